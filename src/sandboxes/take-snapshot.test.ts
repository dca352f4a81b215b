import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRequest, execIn, SandboxWorld, type TestDaemon } from '../../test/support/sandbox-world.ts';
import { SandboxError } from '../domain/errors.ts';
import { parseSandboxId, parseSnapshotLabel } from '../domain/ids.ts';
import { SnapshotStore } from '../snapshots/snapshot-store.ts';

const A = parseSandboxId('a');
const [S1, S2] = [parseSnapshotLabel('s1'), parseSnapshotLabel('s2')];

let world: SandboxWorld;
let daemon: TestDaemon;
beforeEach(async () => {
  world = await SandboxWorld.make();
  daemon = await world.start();
  await daemon.sandboxes.create(createRequest('a'));
  await execIn(daemon.sandboxes, 'a', 'echo one > /root/file');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await world[Symbol.asyncDispose]();
});

const labels = ({ sandboxes }: TestDaemon) => sandboxes.snapshots(A).then((all) => all.map(({ label }) => label));

/** At this operation of the runtime, or before the record is written. */
function at(step: string, hook: () => unknown): void {
  if (step !== 'add') {
    world.host.onOperation = async (operation) => void (operation === step && (await hook()));
    return;
  }
  const original = SnapshotStore.prototype.add;
  vi.spyOn(SnapshotStore.prototype, 'add').mockImplementation(async function add(this: SnapshotStore, snapshot) {
    await hook();
    await original.call(this, snapshot);
  });
}

function plantNothing(): void {
  world.host.onOperation = () => {};
  vi.restoreAllMocks();
}

const STEPS = ['upperUsage', 'capture', 'attachLayer', 'add'];

test.each(STEPS)('a snapshot that fails at %s is none; the sandbox goes on, and the label is free', async (step) => {
  at(step, () => {
    throw new SandboxError('INTERNAL', 'planted');
  });
  await expect(daemon.sandboxes.snapshot(A, S1)).rejects.toThrow('planted');
  plantNothing();
  expect(await labels(daemon)).toEqual([]);
  expect(await execIn(daemon.sandboxes, 'a', 'cat /root/file')).toMatchObject({ stdout: 'one\n' });
  await daemon.sandboxes.snapshot(A, S1);
  expect(await labels(daemon)).toEqual(['s1']);
});

test.each(STEPS)('a snapshot whose daemon is killed at %s is none for the next', async (step) => {
  at(step, async () => {
    await world.kill(daemon);
    throw new Error('killed');
  });
  await expect(daemon.sandboxes.snapshot(A, S1)).rejects.toThrow('killed');
  plantNothing();
  const next = await world.start();
  expect(await labels(next)).toEqual([]);
  expect(await execIn(next.sandboxes, 'a', 'cat /root/file')).toMatchObject({ stdout: 'one\n' });
  await next.sandboxes.snapshot(A, S1);
  expect(await labels(next)).toEqual(['s1']);
});

test('a snapshot whose bytes cannot be mounted is not acknowledged', async () => {
  at('attachLayer', () => world.host.stored.clear());
  await expect(daemon.sandboxes.snapshot(A, S1)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    message: 'Cannot use snapshot "s1": its file is missing',
  });
  expect(await labels(daemon)).toEqual([]);
});

test.each(['capture', 'attachLayer', 'add'])(
  'a destroy during %s of a snapshot waits for it, and leaves no sandbox',
  async (step) => {
    let destroyed: Promise<void> | undefined;
    at(step, () => {
      destroyed = daemon.sandboxes.destroy(A);
    });
    const [taken] = await Promise.allSettled([daemon.sandboxes.snapshot(A, S1)]);
    await destroyed;
    plantNothing();
    expect(daemon.sandboxes.count()).toBe(0);
    expect([...world.host.machines, ...world.host.uppers]).toEqual([]);
    // Acknowledged or not, what the next sandbox of this name finds is what its client was told.
    await daemon.sandboxes.create(createRequest('a'));
    expect(await labels(daemon)).toEqual(taken.status === 'fulfilled' ? ['s1'] : []);
  },
);

test('of two who want one label, one gets it', async () => {
  const both = await Promise.allSettled([daemon.sandboxes.snapshot(A, S1), daemon.sandboxes.snapshot(A, S1)]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(both[1]).toMatchObject({ reason: { code: 'SNAPSHOT_EXISTS', message: 'exists: s1' } });
  expect(await labels(daemon)).toEqual(['s1']);
});

test('labels that are made within one second differ, side by side too', async () => {
  await world.stop(daemon);
  daemon = await world.start({ now: () => new Date('2026-02-13T10:20:30Z') });
  const taken = await Promise.all([1, 2, 3].map(() => daemon.sandboxes.snapshot(A, undefined)));
  expect(taken.map(({ label }) => label)).toEqual(['20260213-102030', '20260213-102030-2', '20260213-102030-3']);
  expect(await labels(daemon)).toEqual(taken.map(({ label }) => label));
});

test('a snapshot stands on what the sandbox was restored to, by its bytes', async () => {
  const first = await daemon.sandboxes.snapshot(A, S1);
  expect(first.parent).toBeNull();
  await daemon.sandboxes.restore(A, S1);
  const second = await daemon.sandboxes.snapshot(A, S2);
  expect(second.parent).toEqual({ sandbox: 'a', label: 's1', digest: first.digest });
});

test('a snapshot that was taken is on disk when its client hears of it', async () => {
  await daemon.sandboxes.snapshot(A, S1);
  expect(await readdir(join(world.dir, 'sandboxes/a/snapshots'))).toEqual(['s1.json', 's1.squashfs']);
  await world.kill(daemon);
  expect(await labels(await world.start())).toEqual(['s1']);
});
