// Layers whose files were changed by root after they were published: by a disk, a mistake, a restored backup.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { SandboxInfo } from '../../../src/sandboxes/types.ts';
import { flipByte, keepingTimes } from '../../support/flip-byte.ts';
import { Installation } from '../../support/installation.ts';
import { runCliProcess } from '../cli/squash-process.ts';

let installation: Installation;
let trees: string;

beforeAll(async () => {
  trees = mkdtempSync(join(tmpdir(), 'trees-'));
  installation = await Installation.start();
  await build('200-sound');
});
afterEach(async () => {
  for (const { id } of (await list()) as SandboxInfo[]) await destroy(id);
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  rmSync(trees, { recursive: true });
});

/** Builds a layer of one file as people do, the same each time. @returns its digest */
async function build(name: string, ...flags: readonly string[]): Promise<string> {
  const tree = join(trees, name);
  mkdirSync(tree, { recursive: true });
  writeFileSync(join(tree, name), `of ${name}\n`);
  const env = { SQUASH_DATA: installation.dataFolder };
  const words = ['sq-mkmod', 'from-dir', tree, name, '--json', ...flags];
  const { stdout, stderr } = await runCliProcess(installation.url, words, { env });
  const { state, sidecar } = JSON.parse(stdout || `{"state":${JSON.stringify(stderr)}}`);
  expect(state).toBe('built');
  return sidecar.sha256;
}

const stored = (digest: string) => join(installation.dataFolder, `modules/sha256/${digest}.squashfs`);
const mounts = () => readFileSync(`/proc/${installation.brokerPid}/mountinfo`, 'utf8');
const list = async () => (await installation.call('GET', '/cgi-bin/api/sandboxes')).body;
const destroy = (id: string) => installation.call('DELETE', `/cgi-bin/api/sandboxes/${id}`);
const create = (id: string, layer: string) =>
  installation.call('POST', '/cgi-bin/api/sandboxes', { id, layers: ['000-base-test', layer], memory_mb: 64 });
const read = async (id: string, layer: string) =>
  (await installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd: `cat /${layer}` })).body;

/** Of the padding at the end, which squashfs never reads: nobody but the digest can tell. */
const flipLastByte = (path: string) => flipByte(path, -1);
const flipUnseen = (path: string) => keepingTimes(path, () => flipLastByte(path));

/** The image of another layer, whole, under this digest. */
function swapIn(path: string, mode: number): void {
  const other = join(installation.dataFolder, 'modules/200-sound.squashfs');
  copyFileSync(other, `${path}.new`);
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}

test.each<[string, (path: string) => void]>([
  ['a byte was flipped', flipLastByte],
  ['a byte was flipped and the times were set back', flipUnseen],
  ['the end was cut off', (path) => truncateSync(path, statSync(path).size / 2)],
  ['the bytes were replaced by those of another layer', (path) => swapIn(path, 0o440)],
  ['the file was replaced by one that can be written', (path) => swapIn(path, 0o644)],
])('a create refuses a layer of which %s, and takes it once it is built again', async (_what, damage) => {
  const name = '300-damaged';
  const digest = await build(name, '--replace');
  damage(stored(digest));
  const { daemonPid } = installation;

  expect(await create('refused', name)).toEqual({
    status: 500,
    body: { error: expect.stringMatching(/^Cannot use layer "300-damaged": its file is not what was published \(/) },
  });
  // What the runtime said is in the log: it came to look at the file, and not to mount it.
  expect(installation.log.at(-1)).toMatch(/cannot (compare the digest|open the layer) \([0-9a-f]{64}/);
  expect(mounts()).not.toContain(digest);
  expect(await list()).toEqual([]);

  expect(await create('other', '200-sound')).toMatchObject({ status: 201 });
  expect(await read('other', '200-sound')).toMatchObject({ stdout: 'of 200-sound\n' });
  expect(installation.daemonPid).toBe(daemonPid);

  expect(await build(name, '--replace')).toBe(digest);
  expect(await create('repaired', name)).toMatchObject({ status: 201 });
  expect(mounts()).toContain(digest);
  expect(await read('repaired', name)).toMatchObject({ stdout: 'of 300-damaged\n' });
  await destroy('repaired');
  await unmounted(digest);
});

/** A layer that nobody uses stays mounted for five seconds; a daemon that stops unmounts it at once. */
async function unmounted(digest: string): Promise<void> {
  await installation.stop();
  await installation.start();
  expect(mounts()).not.toContain(digest);
}

test('a layer that is mounted is not looked at again: who uses it goes on, and the damage is found at its next mount', async () => {
  const name = '400-mounted';
  const digest = await build(name);
  expect(await create('first', name)).toMatchObject({ status: 201 });
  flipLastByte(stored(digest));
  expect(await create('second', name)).toMatchObject({ status: 201 });
  swapIn(stored(digest), 0o440);
  expect(await create('third', name)).toMatchObject({ status: 201 });
  for (const id of ['first', 'second', 'third'])
    expect(await read(id, name)).toMatchObject({ stdout: 'of 400-mounted\n' });

  for (const id of ['first', 'second', 'third']) await destroy(id);
  await unmounted(digest);
  expect(await create('fourth', name)).toMatchObject({ status: 500 });
  await build(name, '--replace');
  expect(await create('fourth', name)).toMatchObject({ status: 201 });
});
