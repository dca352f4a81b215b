import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRequest, execIn, SandboxWorld, type TestDaemon } from '../../test/support/sandbox-world.ts';
import { parseSandboxId, parseSnapshotLabel } from '../domain/ids.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';

const A = parseSandboxId('a');
const [S1, S2] = [parseSnapshotLabel('s1'), parseSnapshotLabel('s2')];

let world: SandboxWorld;
let daemon: TestDaemon;
let first: Snapshot;
beforeEach(async () => {
  world = await SandboxWorld.make();
  daemon = await world.start();
  await daemon.sandboxes.create(createRequest('a'));
  await execIn(daemon.sandboxes, 'a', 'echo one > /root/file');
  first = await daemon.sandboxes.snapshot(A, S1);
  await execIn(daemon.sandboxes, 'a', 'echo two > /root/file');
});
afterEach(() => world[Symbol.asyncDispose]());

const content = async () => (await execIn(daemon.sandboxes, 'a', 'cat /root/file')).stdout;

test.each(['makeUpper', 'restack'])('a snapshot that is being restored is not removed, at %s', async (step) => {
  let removed: Promise<unknown> | undefined;
  world.host.onOperation = async (operation) => {
    if (operation !== step) return;
    removed = daemon.sandboxes.removeSnapshot(A, S1).catch((error: unknown) => error);
    await removed;
  };
  await daemon.sandboxes.restore(A, S1);
  world.host.onOperation = () => {};
  expect(await removed).toMatchObject({ code: 'SNAPSHOT_IN_USE' });
  expect(await content()).toBe('one\n');
  await expect(daemon.sandboxes.removeSnapshot(A, S1)).rejects.toMatchObject({
    message: 'Cannot delete snapshot "s1": sandbox "a" stands on it',
  });
});

test('a snapshot that is being removed is not restored', async () => {
  const removed = daemon.sandboxes.removeSnapshot(A, S1);
  await expect(daemon.sandboxes.restore(A, S1)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' });
  await removed;
  expect(await content()).toBe('two\n');
  expect((await daemon.sandboxes.info(A)).active_snapshot).toBeNull();
});

test('a restore that was refused lets go of what it held', async () => {
  world.host.stored.clear();
  await world.stop(daemon);
  daemon = await world.start();
  await expect(daemon.sandboxes.restore(A, S1)).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' });
  await daemon.sandboxes.removeSnapshot(A, S1);
  expect(await daemon.sandboxes.snapshots(A)).toEqual([]);
});

test('a snapshot whose image is of another size than its record says is refused before anything changes', async () => {
  await mkdir(join(world.dir, 'modules/sha256'));
  await writeFile(join(world.dir, 'modules/sha256', `${first.digest}.squashfs`), Buffer.alloc(first.sizeBytes + 1));
  const operations: string[] = [];
  world.host.onOperation = (operation) => void operations.push(operation);
  await expect(daemon.sandboxes.restore(A, S1)).rejects.toMatchObject({
    code: 'SNAPSHOT_DAMAGED',
    message: expect.stringMatching(/^Cannot use snapshot "s1": its image has \d+ bytes, and its record says \d+$/),
  });
  expect(operations).toEqual([]);
  expect(await content()).toBe('two\n');
});

test('two restores at once come one after the other, and the last one holds', async () => {
  const second = await daemon.sandboxes.snapshot(A, S2);
  await Promise.all([daemon.sandboxes.restore(A, S1), daemon.sandboxes.restore(A, S2)]);
  expect(await content()).toBe('two\n');
  expect((await daemon.sandboxes.info(A)).active_snapshot).toBe(second.label);
  await expect.poll(() => world.host.uppers.size).toBe(1);
});
