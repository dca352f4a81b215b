// Snapshots whose images or records were changed by a disk, a mistake, a restored backup, or a hand that repaired the checksum.
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { formatCheckedLine, parseCheckedLine } from '../../../src/lib/checked-line.ts';
import type { SandboxInfo } from '../../../src/sandboxes/types.ts';
import { flipByte, keepingTimes } from '../../support/flip-byte.ts';
import { Installation } from '../../support/installation.ts';
import { initPid } from '../../support/sandbox-on-host.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';
const LABELS = ['s1', 's2', 'sibling', 'layered'] as const;
type Label = (typeof LABELS)[number];
const CONTENT: Readonly<Record<Label, string>> = { s1: 'one', sibling: 'two', s2: 'three', layered: 'four' };

const seed = testSeed();
const random = seededRandom(seed);

let installation: Installation;

/** s2 stands on s1; the others on none. The sandbox is restored to `sibling`, and has been written to since. */
beforeAll(async () => {
  console.log(`SQUASH_TEST_SEED=${seed}`);
  const fill = (folder: string) => writeFileSync(join(folder, 'extra'), 'of the layer\n'.repeat(1000));
  installation = await Installation.start({ env: { SQUASH_READY_UPPERS: '0' }, layers: { '100-extra': fill } });
  await call('POST', SANDBOXES, { id: 'd', memory_mb: 64 }, 201);
  await sh('head -c 300000 /dev/urandom > /root/noise');
  await take('s1');
  await take('sibling');
  await call('POST', `${SANDBOXES}/d/restore`, { label: 's1' });
  await take('s2');
  await call('DELETE', `${SANDBOXES}/d`, undefined, 204);
  await call('POST', SANDBOXES, { id: 'd', memory_mb: 64, layers: ['000-base-test', '100-extra'] }, 201);
  await take('layered');
  await call('POST', `${SANDBOXES}/d/restore`, { label: 'sibling' });
  await sh('echo mine > /root/me');
});
afterAll(() => installation[Symbol.asyncDispose]());

interface Fields {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly layers: readonly { readonly name: string; readonly digest: string }[];
  readonly [field: string]: unknown;
}

const recordOf = (label: Label) => join(installation.dataFolder, 'sandboxes/d/snapshots', `${label}.json`);
const stored = (digest: string) => join(installation.dataFolder, `modules/sha256/${digest}.squashfs`);
const fieldsOf = (label: Label) => parseCheckedLine(readFileSync(recordOf(label), 'utf8').trimEnd()) as Fields;
const imageOf = (label: Label) => stored(fieldsOf(label).digest);
const extraLayer = () => stored(fieldsOf('layered').layers.find(({ name }) => name === '100-extra')?.digest ?? '');
const mounts = () => readFileSync(`/proc/${installation.brokerPid}/mountinfo`, 'utf8');

async function call(method: string, path: string, body?: object, expected = 200): Promise<unknown> {
  const { status, body: answer } = await installation.call(method, path, body);
  expect({ path, status, answer }).toMatchObject({ status: expected });
  return answer;
}

async function sh(cmd: string): Promise<string> {
  return ((await call('POST', `${SANDBOXES}/d/exec`, { cmd })) as { stdout: string }).stdout;
}

async function take(label: Label): Promise<void> {
  await sh(`echo ${CONTENT[label]} > /root/me`);
  await call('POST', `${SANDBOXES}/d/snapshot`, { label });
}

/** What can be told of the sandbox, but for what looking at it changes. */
async function shown() {
  const info = (await call('GET', `${SANDBOXES}/d`)) as SandboxInfo;
  const { id, state, layers, active_snapshot, owner, created, mounted } = info;
  const files = await sh('ls -lR /root; cat /root/me; md5sum /root/noise');
  return {
    id,
    state,
    layers,
    active_snapshot,
    owner,
    created,
    mounted,
    files,
    init: initPid(installation.runFolder, 'd'),
  };
}

let kept: ReadonlyMap<string, { content: Buffer; mode: number; uid: number; gid: number }>;
let sound: Awaited<ReturnType<typeof shown>>;

beforeEach(async () => {
  const paths = [...LABELS.flatMap((label) => [recordOf(label), imageOf(label)]), extraLayer()];
  kept = new Map(
    paths.map((path) => {
      const { mode, uid, gid } = statSync(path);
      return [path, { content: readFileSync(path), mode: mode & 0o777, uid, gid }];
    }),
  );
  sound = await shown();
  // A daemon that stops unmounts what nobody uses, and the next one reads all records.
  await installation.stop();
});

/** As from a backup: files of the content, mode and owner of the old ones. */
function putBack(): void {
  for (const [path, { content, mode, uid, gid }] of kept) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile() && (found.mode & 0o777) === mode && readFileSync(path).equals(content)) continue;
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, content);
    chownSync(path, uid, gid);
    chmodSync(path, mode);
  }
}

afterEach(async () => {
  putBack();
  await installation.stop();
  await installation.start();
  expect(await shown()).toEqual(sound);
});

async function expectRefused(label: Label, error: RegExp): Promise<void> {
  const answer = await installation.call('POST', `${SANDBOXES}/d/restore`, { label });
  expect({ label, ...answer }).toEqual({ label, status: 500, body: { error: expect.stringMatching(error) } });
  expect(await shown()).toEqual(sound);
}

/** What is not damaged can be used meanwhile. */
async function expectRestServed(): Promise<void> {
  await call('POST', SANDBOXES, { id: 'other', memory_mb: 64 }, 201);
  await call('POST', `${SANDBOXES}/other/snapshot`, { label: 'mine' });
  await call('POST', `${SANDBOXES}/other/restore`, { label: 'mine' });
  await call('DELETE', `${SANDBOXES}/other`, undefined, 204);
  await call('DELETE', '/v1/sandboxes/other/snapshots/mine', undefined, 204);
}

function replaceByFolder(path: string): void {
  rmSync(path);
  mkdirSync(path);
}

function replaceByLink(path: string): void {
  renameSync(path, `${path}.moved`);
  symlinkSync(`${path}.moved`, path);
}

const drawn = (path: string) => Math.floor(random() * statSync(path).size);

test.each<[string, (path: string) => void]>([
  ['whose first byte was flipped', (path) => flipByte(path, 0)],
  ['whose last byte was flipped, of the padding', (path) => flipByte(path, -1)],
  ['of which a byte was flipped', (path) => flipByte(path, drawn(path))],
  ['of which another byte was flipped', (path) => flipByte(path, drawn(path))],
  [
    'of which a byte was flipped, with the times set back',
    (path) => keepingTimes(path, () => flipByte(path, drawn(path))),
  ],
  ['that was cut', (path) => truncateSync(path, drawn(path))],
  ['that is empty', (path) => truncateSync(path, 0)],
  ['that is longer', (path) => writeFileSync(path, Buffer.alloc(4096), { flag: 'a' })],
  ['that is missing', (path) => rmSync(path)],
  ['that is a folder', replaceByFolder],
  ['that is a link to the bytes', replaceByLink],
  ['that others may write to', (path) => chmodSync(path, 0o666)],
])('an image %s is refused by name, whether a snapshot, one below it, or a layer', async (_what, damage) => {
  const [s1, layer] = [imageOf('s1'), extraLayer()];
  damage(s1);
  damage(layer);
  await installation.start();
  const state = '(its file is (not what was published|missing)|its image has \\d+ bytes, and its record says \\d+)';
  await expectRefused('s1', new RegExp(`^Cannot use snapshot "s1": ${state}`));
  await expectRefused('s2', new RegExp(`^Cannot use snapshot "s1": ${state}`));
  const answer = await installation.call('POST', `${SANDBOXES}/d/restore`, { label: 'layered' });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.body).toMatchObject({ error: expect.stringMatching(/^Cannot use layer "100-extra": its file is /) });
  expect(await shown()).toEqual(sound);
  for (const path of [s1, layer]) expect(mounts()).not.toContain(path.slice(-73, -9));
  rmSync(`${s1}.moved`, { force: true });
  rmSync(`${layer}.moved`, { force: true });
});

test('images that were swapped are refused', async () => {
  const [s1, s2] = [imageOf('s1'), imageOf('s2')];
  renameSync(s1, `${s1}.swap`);
  renameSync(s2, s1);
  renameSync(`${s1}.swap`, s2);
  await installation.start();
  await expectRefused('s1', /^Cannot use snapshot "s1": its (file is not what was published|image has)/);
  await expectRefused('s2', /^Cannot use snapshot "s[12]": its (file is not what was published|image has)/);
  await expectRestServed();
});

/** With the checksum repaired. */
function lie(label: Label, change: object): void {
  writeFileSync(recordOf(label), formatCheckedLine({ ...fieldsOf(label), ...change }));
}

const DAMAGED = /^Cannot use snapshot "s1" of "d": its record is damaged/;

test.each<[string, () => void, RegExp, RegExp]>([
  ['is empty', () => truncateSync(recordOf('s1'), 0), DAMAGED, /"s1" of "d", which it stands on, is damaged/],
  ['was cut', () => truncateSync(recordOf('s1'), drawn(recordOf('s1'))), DAMAGED, /is damaged/],
  ['has a flipped bit', () => flipByte(recordOf('s1'), drawn(recordOf('s1'))), DAMAGED, /is damaged/],
  ['is of a future format', () => lie('s1', { format: 2 }), DAMAGED, /is damaged/],
  ['has a field that nobody knows', () => lie('s1', { colour: 'red' }), DAMAGED, /is damaged/],
  ['says another label', () => lie('s1', { label: 's2' }), DAMAGED, /is damaged/],
  ['says another sandbox', () => lie('s1', { sandbox: 'e' }), DAMAGED, /is damaged/],
  [
    'is that of another snapshot',
    () => writeFileSync(recordOf('s1'), readFileSync(recordOf('s2'))),
    DAMAGED,
    /is damaged/,
  ],
  ['says the bytes of another one', () => lie('s1', { digest: fieldsOf('sibling').digest }), DAMAGED, /is damaged/],
  ['says bytes that are not there', () => lie('s1', { digest: 'e'.repeat(64) }), DAMAGED, /is damaged/],
  [
    'says that it is smaller',
    () => lie('s1', { sizeBytes: fieldsOf('s1').sizeBytes - 1 }),
    /"s1": its image has/,
    /"s1": its image has/,
  ],
  [
    'says that it is larger',
    () => lie('s1', { sizeBytes: fieldsOf('s1').sizeBytes + 4096 }),
    /"s1": its image has/,
    /"s1": its image has/,
  ],
  [
    'says that it stands on itself',
    () => lie('s1', { parent: { sandbox: 'd', label: 's1', digest: fieldsOf('s1').digest } }),
    /"s1": it stands on itself/,
    /"s2": it stands on itself/,
  ],
  [
    'says that it stands on its child',
    () => lie('s1', { parent: { sandbox: 'd', label: 's2', digest: fieldsOf('s2').digest } }),
    /"s1": it stands on itself/,
    /"s2": it stands on itself/,
  ],
  [
    'says that it stands on one that is not there',
    () => lie('s1', { parent: { sandbox: 'd', label: 'never', digest: fieldsOf('s1').digest } }),
    /"s1": "never" of "d", which it stands on, is not there/,
    /"s2": "never" of "d", which it stands on, is not there/,
  ],
  [
    'says that it stands on other bytes of one that is there',
    () => lie('s1', { parent: { sandbox: 'd', label: 'sibling', digest: 'e'.repeat(64) } }),
    /"s1": "sibling" of "d", which it stands on, is another one/,
    /"s2": "sibling" of "d", which it stands on, is another one/,
  ],
])(
  'a record that %s is refused by name, also as the one below; all else goes on, and no bytes are lost',
  async (_what, damage, own, below) => {
    damage();
    const stray = stored('f'.repeat(64));
    writeFileSync(stray, '', { mode: 0o440 });
    await installation.start();
    await expectRefused('s1', own);
    await expectRefused('s2', below);
    await expectRestServed();
    const { status } = await installation.call('GET', '/v1/sandboxes/d/snapshots');
    expect(status).toBe(200);
    for (const label of LABELS)
      expect(existsSync(stored(kept.get(recordOf(label)) ? digestKept(label) : ''))).toBe(true);
    // While a record cannot be read, nobody knows what it needs.
    expect(existsSync(stray)).toBe(own === DAMAGED);
    putBack();
    await installation.stop();
    await installation.start();
    expect(existsSync(stray)).toBe(false);
  },
);

function digestKept(label: Label): string {
  const line = kept.get(recordOf(label))?.content.toString().trimEnd() ?? '';
  return (parseCheckedLine(line) as Fields).digest;
}

test('after all of it, every snapshot gives back what it held', async () => {
  await installation.start();
  for (const label of LABELS) {
    await call('POST', `${SANDBOXES}/d/restore`, { label });
    expect(await sh('cat /root/me')).toBe(`${CONTENT[label]}\n`);
  }
  await call('POST', `${SANDBOXES}/d/restore`, { label: 'sibling' });
  sound = await shown();
});
