import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Digest, parseDigest, parseLayerName } from '../domain/ids.ts';
import { type Log, SILENT } from '../lib/log.ts';
import { Layers } from './layers.ts';
import { parseSidecar } from './sidecar.ts';

let dir: string;
const error = vi.fn<Log['error']>();
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'layers-'));
  error.mockReset();
});
afterEach(() => rm(dir, { recursive: true }));

const removeLayer = vi.fn<(digest: Digest) => Promise<boolean>>(async () => true);
const runtime = {
  attachLayer: async () => {},
  detachLayer: async () => {},
  publishLayer: async () => {},
  removeLayer,
};
const pinned = new Set<Digest>();
const open = (folder = dir) =>
  new Layers(runtime, {
    isPinned: (digest) => pinned.has(digest),
    dir: folder,
    stagingDir: folder,
    hostArch: 'x86_64',
    lingerMs: 0,
    log: { ...SILENT, error },
  });

function sidecarOf(name: string, changes: object = {}): object {
  const facts = { arch: 'x86_64', libc: 'glibc', recipe: 'test', packages: { bash: '5.2' }, env: {} };
  return { format: 1, name, sha256: 'a'.repeat(64), size: 4096, ...facts, ...changes };
}

const publish = (name: string, changes?: object) =>
  writeFile(join(dir, `${name}.json`), JSON.stringify(sidecarOf(name, changes)));

test('Layers lists what is published, by name, and nothing else', async () => {
  await publish('100-node', { size: 7 });
  await publish('000-base');
  for (const file of ['100-half.squashfs', 'notes.json', '1-x.json', '100-a..b.json'])
    await writeFile(join(dir, file), '{}');
  expect(await open().list()).toEqual([
    { name: '000-base', size: 4096, location: 'local' },
    { name: '100-node', size: 7, location: 'local' },
  ]);
});

test('Layers lists nothing where there is no store yet', async () => {
  expect(await open(join(dir, 'none')).list()).toEqual([]);
  expect(await open(join(dir, 'none')).hasBase()).toBe(false);
});

test('Layers has a base once one is published', async () => {
  await publish('100-node');
  expect(await open().hasBase()).toBe(false);
  await publish('000-base');
  expect(await open().hasBase()).toBe(true);
});

test('Layers leaves a damaged layer out of the list, says so, and refuses to use it', async () => {
  await publish('000-base');
  await writeFile(join(dir, '100-bad.json'), '{"format":1');
  expect((await open().list()).map((layer) => layer.name)).toEqual(['000-base']);
  expect(error).toHaveBeenCalledTimes(1);
  await expect(open().resolve([parseLayerName('100-bad')])).rejects.toMatchObject({ code: 'LAYER_DAMAGED' });
});

test('Layers resolves a stack to digests, lowest first', async () => {
  await publish('000-base', { sha256: '1'.repeat(64) });
  await publish('100-node', { sha256: '2'.repeat(64) });
  const stack = await open().resolve(['100-node', '000-base'].map(parseLayerName));
  expect(stack.map((layer) => [layer.name, layer.sha256[0]])).toEqual([
    ['000-base', '1'],
    ['100-node', '2'],
  ]);
});

test('Layers names the layer that is missing', async () => {
  await publish('000-base');
  await expect(open().resolve(['000-base', '100-no'].map(parseLayerName))).rejects.toMatchObject({
    code: 'LAYER_NOT_FOUND',
    message: 'not found: 100-no',
    httpStatus: 404,
  });
});

test('Layers refuses a stack for another processor', async () => {
  await publish('000-base', { arch: 'aarch64' });
  await expect(open().resolve([parseLayerName('000-base')])).rejects.toMatchObject({ code: 'LAYER_ARCH_MISMATCH' });
});

const NAME = parseLayerName('000-base');

test.each([
  ['no JSON', 'nonsense'],
  ['another format', JSON.stringify(sidecarOf('000-base', { format: 2 }))],
  ['the name of another layer', JSON.stringify(sidecarOf('000-other'))],
  ['a digest that is none', JSON.stringify(sidecarOf('000-base', { sha256: 'x' }))],
  ['a size that is none', JSON.stringify(sidecarOf('000-base', { size: -1 }))],
  ['an unknown libc', JSON.stringify(sidecarOf('000-base', { libc: 'bionic' }))],
  ['a field too many', JSON.stringify(sidecarOf('000-base', { extra: 1 }))],
  ['a variable with a NUL', JSON.stringify(sidecarOf('000-base', { env: { A: 'a\0b' } }))],
  ['a variable with = in its name', JSON.stringify(sidecarOf('000-base', { env: { 'A=B': '' } }))],
])('parseSidecar() refuses %s', (_, json) => {
  expect(() => parseSidecar(json, NAME)).toThrow(expect.objectContaining({ code: 'LAYER_DAMAGED' }));
});

test('parseSidecar() either understands a text or calls it damaged', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(() => parseSidecar(text, NAME)).toThrow(expect.objectContaining({ code: 'LAYER_DAMAGED' }));
    }),
  );
});

test('collect() gives up the bytes that no sandbox pins', async () => {
  const [old, used] = [parseDigest('b'.repeat(64)), parseDigest('c'.repeat(64))];
  await mkdir(join(dir, 'sha256'));
  for (const digest of [old, used]) await writeFile(join(dir, 'sha256', `${digest}.squashfs`), '');
  await writeFile(join(dir, 'sha256', 'notes'), '');
  pinned.add(used);
  await open().collect();
  expect(removeLayer.mock.calls).toEqual([[old]]);
});
