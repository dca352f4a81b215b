import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf, snapshotOf } from '../../test/support/snapshot-of.ts';
import { parseSandboxId, parseSnapshotLabel } from '../domain/ids.ts';
import { formatCheckedLine } from '../lib/checked-line.ts';
import { SILENT } from '../lib/log.ts';
import { formatSnapshot, type Snapshot } from './snapshot.ts';
import { SnapshotStore } from './snapshot-store.ts';

const A = parseSandboxId('a');
const NOW = new Date('2026-02-13T10:20:30Z');
const [S1, S2] = [parseSnapshotLabel('s1'), parseSnapshotLabel('s2')];
const first = snapshotOf('a', 's1');
const second = snapshotOf('a', 's2', first);

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'snapshots-'));
});
afterEach(() => rm(dir, { recursive: true }));

const open = () => SnapshotStore.open(dir, SILENT);
const files = async (id = 'a') => (await readdir(join(dir, id, 'snapshots'))).toSorted();
const recordOf = (label: string) => join(dir, 'a/snapshots', `${label}.json`);

async function storeOf(...snapshots: readonly Snapshot[]): Promise<SnapshotStore> {
  const store = await open();
  for (const each of snapshots) await store.add(each);
  return store;
}

test('what was added is there for the next daemon, with a link to its bytes', async () => {
  await storeOf(second, first);
  const store = await open();
  expect(store.list(A)).toEqual([first, second]);
  expect(await files()).toEqual(['s1.json', 's1.squashfs', 's2.json', 's2.squashfs']);
  expect(await readlink(join(dir, 'a/snapshots/s1.squashfs'))).toBe(`../../../modules/sha256/${first.digest}.squashfs`);
});

test('a snapshot without its link is there', async () => {
  await storeOf(first);
  await rm(join(dir, 'a/snapshots/s1.squashfs'));
  const store = await open();
  expect([store.hasDamage, store.list(A)]).toEqual([false, [first]]);
});

test('what was removed is gone, for the next daemon too', async () => {
  const store = await storeOf(first, second);
  await store.remove(A, S2);
  expect(store.list(A)).toEqual([first]);
  expect((await open()).list(A)).toEqual([first]);
  expect(await files()).toEqual(['s1.json', 's1.squashfs']);
  await expect(store.remove(A, S2)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
});

test('what a daemon left that was killed while it added one is swept', async () => {
  await storeOf(first);
  await writeFile(`${recordOf('half')}.new`, formatSnapshot(second).slice(0, 100));
  await writeFile(join(dir, 'a/snapshots/half.squashfs'), '');
  expect((await open()).hasDamage).toBe(false);
  expect(await files()).toEqual(['s1.json', 's1.squashfs']);
});

test('a snapshot that could not be added leaves nothing, and its label is free', async () => {
  const store = await storeOf(first);
  // A folder in the place of the file that is renamed into it.
  await mkdir(`${recordOf('s2')}.new`, { recursive: true });
  await expect(store.add(second)).rejects.toThrow('EISDIR');
  expect(store.list(A)).toEqual([first]);
  expect(await files()).not.toContain('s2.squashfs');
  await rm(`${recordOf('s2')}.new`, { recursive: true });
  store.reserve(A, S2, NOW)[Symbol.dispose]();
  await store.add(second);
  expect(store.list(A)).toEqual([first, second]);
});

test('reserve() gives a label to one, until it is given back', async () => {
  const store = await storeOf(first);
  const mine = store.reserve(A, S2, NOW);
  expect(() => store.reserve(A, S2, NOW)).toThrow('exists: s2');
  expect(() => store.reserve(A, S1, NOW)).toThrow('exists: s1');
  expect(store.reserve(parseSandboxId('b'), S2, NOW).label).toBe('s2');
  mine[Symbol.dispose]();
  expect(store.reserve(A, S2, NOW).label).toBe('s2');
});

test('reserve() makes labels of one second differ, also beside those that are stored or damaged', async () => {
  await mkdir(join(dir, 'a/snapshots'), { recursive: true });
  await writeFile(recordOf('20260213-102030'), '');
  const store = await open();
  await store.add(snapshotOf('a', '20260213-102030-3'));
  const labels = [1, 2, 3].map(() => store.reserve(A, undefined, NOW).label);
  expect(labels).toEqual(['20260213-102030-2', '20260213-102030-4', '20260213-102030-5']);
});

test('a snapshot that another one stands on is not removed, across sandboxes too', async () => {
  const fork = snapshotOf('b', 'forked', first);
  const store = await storeOf(first, fork);
  await expect(store.remove(A, S1)).rejects.toMatchObject({
    code: 'SNAPSHOT_IN_USE',
    message: 'Cannot delete snapshot "s1": snapshot "forked" of "b" stands on it',
  });
  expect((await open()).list(A)).toEqual([first]);
});

test('a snapshot that is held is not removed, nor one that it stands on', async () => {
  const store = await storeOf(first, second);
  const held = store.hold(A, S2);
  expect(held.chain).toEqual([first, second]);
  await expect(store.remove(A, S2)).rejects.toMatchObject({ code: 'SNAPSHOT_IN_USE', message: /it is being restored/ });
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  await store.remove(A, S2);
  using _first = store.hold(A, S1);
  await expect(store.remove(A, S1)).rejects.toMatchObject({ code: 'SNAPSHOT_IN_USE' });
});

test('a snapshot that is going is not held any more, and its label and bytes are its own until it is gone', async () => {
  const store = await storeOf(first);
  const gone = store.remove(A, S1);
  expect(() => store.hold(A, S1)).toThrow('not found: s1');
  expect(() => store.reserve(A, S1, NOW)).toThrow('exists: s1');
  expect(store.pins(first.digest)).toBe(true);
  await gone;
  expect(store.reserve(A, S1, NOW).label).toBe('s1');
  expect(store.pins(first.digest)).toBe(false);
});

test('a snapshot pins its bytes and those of its layers', async () => {
  const store = await storeOf(first);
  expect(store.pins(first.digest)).toBe(true);
  expect(store.pins(digestOf('000-base'))).toBe(true);
  expect(store.pins(digestOf('another'))).toBe(false);
});

test.each<[string, string, RegExp]>([
  ['empty', '', /checksum/],
  ['of another label', formatSnapshot(second), /that of "s2" of "a"/],
  ['of another sandbox', formatSnapshot(snapshotOf('b', 's1')), /that of "s1" of "b"/],
  ['of other bytes than its link', formatSnapshot({ ...first, digest: digestOf('others') }), /the link beside it/],
  ['of a newer version', formatCheckedLine({ ...first, format: 2 }), /format/],
])(
  'a record that is %s is refused by name; the others are there, and no bytes are given up',
  async (_what, text, why) => {
    await storeOf(first, snapshotOf('a', 'other'));
    await writeFile(recordOf('s1'), text);
    const store = await open();
    expect(store.list(A).map(({ label }) => label)).toEqual(['other']);
    expect(() => store.get(A, S1)).toThrow('Cannot use snapshot "s1" of "a": its record is damaged');
    expect(() => store.get(A, S1)).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringMatching(why) }) }),
    );
    expect(() => store.reserve(A, S1, NOW)).toThrow('exists: s1');
    expect(store.pins(digestOf('whatever'))).toBe(true);
    expect(await readFile(recordOf('s1'), 'utf8')).toBe(text);
    await store.remove(A, S1);
    expect(store.hasDamage).toBe(false);
    expect((await open()).hasDamage).toBe(false);
  },
);

test('a chain that runs in a circle is refused', async () => {
  const [one, two] = [snapshotOf('a', 's1', second), snapshotOf('a', 's2', first)];
  const store = await storeOf(one, two);
  expect(() => store.hold(A, S2)).toThrow('Cannot use snapshot "s2": it stands on itself');
  const own = snapshotOf('a', 'own', snapshotOf('a', 'own'));
  await store.add(own);
  expect(() => store.hold(A, own.label)).toThrow('Cannot use snapshot "own": it stands on itself');
});

test('a chain of which one is not there, is another one, or is damaged, is refused', async () => {
  const store = await storeOf(second);
  expect(() => store.hold(A, S2)).toThrow('Cannot use snapshot "s2": "s1" of "a", which it stands on, is not there');
  await store.add({ ...first, digest: digestOf('others') });
  expect(() => store.hold(A, S2)).toThrow('Cannot use snapshot "s2": "s1" of "a", which it stands on, is another one');
  await writeFile(recordOf('s1'), '');
  const next = await open();
  expect(() => next.hold(A, S2)).toThrow('Cannot use snapshot "s2": "s1" of "a", which it stands on, is damaged');
});
