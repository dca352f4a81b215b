import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRequest, execIn, SandboxWorld, type TestDaemon } from '../../test/support/sandbox-world.ts';
import { SandboxError } from '../domain/errors.ts';
import { type Digest, labelOf, newUpperId, parseLayerName, parseSandboxId } from '../domain/ids.ts';
import { MemoryRuntime } from '../runtime/memory/memory-runtime.ts';
import { RecordLog } from './record-log.ts';

let world: SandboxWorld;
beforeEach(async () => {
  world = await SandboxWorld.make();
});
afterEach(() => world[Symbol.asyncDispose]());

const A = parseSandboxId('a');

const statesOf = async (daemon: TestDaemon) =>
  Object.fromEntries((await daemon.sandboxes.list()).map((info) => [info.id, info.state]));

/** Kills the daemon at the moment at which it asks its runtime for an operation: before it, or when it is done. */
async function killAt(daemon: TestDaemon, operation: string, work: () => Promise<unknown>): Promise<void> {
  world.host.onOperation = async (each) => {
    if (each === operation) await world.kill(daemon);
  };
  await work().catch(() => {});
  world.host.onOperation = () => {};
}

test('a daemon that was killed leaves its sandboxes to the next, with files and limits', async () => {
  const first = await world.start();
  const request = createRequest('a', { owner: 'dana', cpu: 0.5, memoryMiB: 64, maxLifetimeSeconds: 600, allowNet: [] });
  const info = await first.sandboxes.create(request);
  await execIn(first.sandboxes, 'a', 'echo kept > /root/file');
  const machine = world.host.machines.get(labelOf(A));
  await world.kill(first);
  const next = await world.start();
  expect(await next.sandboxes.info(A)).toEqual({
    ...info,
    upper_bytes: 5,
    exec_count: 1,
    last_active: expect.any(String),
  });
  expect(await execIn(next.sandboxes, 'a', 'cat /root/file')).toMatchObject({ stdout: 'kept\n', seq: 2 });
  expect(world.host.machines.get(labelOf(A))).toBe(machine);
});

test('a command whose daemon dies is interrupted, under its number', async () => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a'));
  await execIn(first.sandboxes, 'a', 'true');
  const running = execIn(first.sandboxes, 'a', 'sleep 1000').catch(() => undefined);
  await expect.poll(() => world.host.machines.get(labelOf(A))?.commands.length).toBe(1);
  // What is on disk at this moment is what a daemon that is killed now leaves.
  const note = await readFile(join(world.dir, 'sandboxes/a/log/0002.json'), 'utf8');
  expect(JSON.parse(note)).toMatchObject({ seq: 2, cmd: 'sleep 1000', exit_code: -1, interrupted: true });
  await world.kill(first);
  await running;
  const next = await world.start();
  expect(await execIn(next.sandboxes, 'a', 'true')).toMatchObject({ seq: 3 });
  expect(world.host.machines.get(labelOf(A))?.commands).toEqual([]);
});

test.each(['attachLayer', 'makeUpper', 'start', 'upperUsage'])(
  'a create that was killed at %s is undone, or whole when it was acknowledged on disk',
  async (operation) => {
    const first = await world.start();
    await killAt(first, operation, () => first.sandboxes.create(createRequest('a')));
    const next = await world.start();
    const whole = operation === 'upperUsage';
    expect(next.sandboxes.count()).toBe(whole ? 1 : 0);
    expect(world.host.machines.size).toBe(whole ? 1 : 0);
    expect(world.host.uppers.size).toBe(whole ? 1 : 0);
    expect(world.host.attached.size).toBe(whole ? 1 : 0);
    expect(await readdir(join(world.dir, 'sandboxes'))).toEqual(whole ? ['a'] : []);
    if (!whole) expect(await next.sandboxes.create(createRequest('a'))).toMatchObject({ state: 'running' });
  },
);

test('a machine that was started for a create of which no one heard again is taken down', async () => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a'));
  await world.kill(first);
  const path = join(world.dir, 'state', 'sandboxes.jsonl');
  const { log, records } = await RecordLog.open(path, { mayBeNew: false });
  for (const record of records) await log.put({ ...record, state: 'creating' });
  await log[Symbol.asyncDispose]();
  const next = await world.start();
  expect(next.sandboxes.count()).toBe(0);
  expect([...world.host.machines, ...world.host.uppers, ...world.host.attached]).toEqual([]);
  expect(await readFile(path, 'utf8')).toMatch(/"gone":"a"/);
});

test.each(['stopMachine', 'dropUpper'])('a destroy that was killed at %s is finished', async (operation) => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a'));
  await first.sandboxes.create(createRequest('b'));
  await killAt(first, operation, () => first.sandboxes.destroy(A));
  const next = await world.start();
  expect(await statesOf(next)).toEqual({ b: 'running' });
  expect(world.host.machines.size).toBe(1);
  expect(world.host.uppers.size).toBe(1);
  expect(await readdir(join(world.dir, 'sandboxes'))).toEqual(['b']);
});

test('recovery that is killed at any operation is begun again by the next daemon', async () => {
  const first = await world.start();
  for (const id of ['a', 'b', 'c']) await first.sandboxes.create(createRequest(id));
  await killAt(first, 'dropUpper', () => first.sandboxes.destroy(A));
  world.host.machines.get(labelOf(parseSandboxId('c')))?.die();
  for (let nth = 0; ; nth++) {
    let count = 0;
    world.host.onOperation = () => {
      if (count++ === nth) throw new SandboxError('BROKER_GONE', 'broker gone');
    };
    const started = await world.start().catch((error: unknown) => error);
    world.host.onOperation = () => {};
    if (!(started instanceof Error)) break;
    expect(started).toMatchObject({ code: 'BROKER_GONE' });
  }
  const last = await world.start();
  expect(await statesOf(last)).toEqual({ b: 'running', c: 'stopped' });
  expect(await execIn(last.sandboxes, 'c', 'echo on')).toMatchObject({ stdout: 'on\n' });
  expect(world.host.uppers.size).toBe(2);
});

test('after a reboot sandboxes are stopped, and the next exec starts them with their files', async () => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a'));
  await execIn(first.sandboxes, 'a', 'echo kept > /root/file');
  await world.kill(first);
  world.host.reboot();
  const next = await world.start();
  expect(await statesOf(next)).toEqual({ a: 'stopped' });
  expect(await execIn(next.sandboxes, 'a', 'cat /root/file')).toMatchObject({ stdout: 'kept\n' });
  expect(await statesOf(next)).toEqual({ a: 'running' });
});

test('a sandbox that could not be had back at once is had back by its next exec', async () => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a'));
  await execIn(first.sandboxes, 'a', 'echo kept > /root/file');
  await world.kill(first);
  world.host.reboot();
  world.host.onOperation = (operation) => {
    if (operation === 'attachUpper') throw new SandboxError('START_FAILED', 'no loop device');
  };
  const next = await world.start();
  expect(await statesOf(next)).toEqual({ a: 'failed' });
  world.host.onOperation = () => {};
  expect(await execIn(next.sandboxes, 'a', 'cat /root/file')).toMatchObject({ stdout: 'kept\n' });
  expect(await statesOf(next)).toEqual({ a: 'running' });
});

test('a sandbox whose data is gone is failed, keeps the others from nothing, and can be destroyed', async () => {
  const first = await world.start({ settings: { upper: 'tmpfs' } });
  await first.sandboxes.create(createRequest('a'));
  await world.kill(first);
  world.host.reboot();
  const next = await world.start();
  await next.sandboxes.create(createRequest('b'));
  expect(await statesOf(next)).toEqual({ a: 'failed', b: 'running' });
  await expect(execIn(next.sandboxes, 'a', 'true')).rejects.toMatchObject({ code: 'START_FAILED' });
  await next.sandboxes.destroy(A);
  expect(await statesOf(next)).toEqual({ b: 'running' });
});

test('a sandbox goes on with the layers it was made of when their names point elsewhere', async () => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a', { layers: [parseLayerName('100-tools')] }));
  const { layers } = world.host.machines.get(labelOf(A))?.spec ?? {};
  await world.kill(first);
  world.host.reboot();
  await world.publish('100-tools', { env: { TOOL: 'other' } });
  const next = await world.start();
  expect(await execIn(next.sandboxes, 'a', 'echo $TOOL')).toMatchObject({ stdout: 'yes\n' });
  expect(world.host.machines.get(labelOf(A))?.spec.layers).toEqual(layers);
});

test('what no record names is swept away, and nothing else', async () => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a'));
  await world.kill(first);
  const stranger = new MemoryRuntime(world.host);
  const layer = await world.publish('200-stray');
  const upper = newUpperId();
  await stranger.attachLayer(layer);
  await stranger.makeUpper(upper, { kind: 'disk', sizeBytes: 1, reserveBytes: 0, sparse: false });
  const limits = { cpuCount: 1, memoryBytes: 1, pidsMax: 1 };
  const label = labelOf(parseSandboxId('stray'));
  await stranger.start({ label, hostname: 'stray', layers: [layer], upper, limits, nesting: false, etc: 'fresh' });
  await mkdir(join(world.dir, 'sandboxes', 'stray', 'log'), { recursive: true });
  const next = await world.start();
  expect([...world.host.machines.keys()]).toEqual([labelOf(A)]);
  expect([...world.host.uppers.keys()]).not.toContain(upper);
  expect(world.host.attached.has(layer as Digest)).toBe(false);
  expect(await readdir(join(world.dir, 'sandboxes'))).toEqual(['a']);
  expect(await execIn(next.sandboxes, 'a', 'true')).toMatchObject({ exit_code: 0 });
});

test('a daemon that is stopped cleanly leaves sandboxes running and nothing that is unused', async () => {
  const first = await world.start({ settings: { readyUppers: 3 } });
  await first.sandboxes.create(createRequest('a'));
  await first.sandboxes.create(createRequest('b', { layers: [parseLayerName('100-tools')] }));
  await first.sandboxes.destroy(parseSandboxId('b'));
  await world.stop(first);
  expect(world.host.machines.size).toBe(1);
  expect(world.host.uppers.size).toBe(1);
  expect(world.host.attached.size).toBe(1);
  const next = await world.start();
  expect(await statesOf(next)).toEqual({ a: 'running' });
});

test('a daemon does not start where there are sandboxes and no records', async () => {
  const first = await world.start();
  await first.sandboxes.create(createRequest('a'));
  await world.kill(first);
  await rm(join(world.dir, 'state'), { recursive: true });
  await expect(world.start()).rejects.toMatchObject({ code: 'RECORD_DAMAGED' });
  expect(world.host.machines.size).toBe(1);
  await mkdir(join(world.dir, 'state'), { recursive: true });
});

test('more sandboxes than may exist today are taken over all the same', async () => {
  const first = await world.start();
  for (const id of ['a', 'b', 'c']) await first.sandboxes.create(createRequest(id));
  await world.kill(first);
  const next = await world.start({ settings: { maxSandboxes: 2 } });
  expect(next.sandboxes.count()).toBe(3);
  await expect(next.sandboxes.create(createRequest('d'))).rejects.toThrow('sandbox limit reached (2)');
});

test('a daemon that lost its broker owns nothing any more', async () => {
  const daemon = await world.start();
  await daemon.sandboxes.create(createRequest('a'));
  daemon.runtime.lose();
  await daemon.runtime.lost;
  const gone = expect.objectContaining({ code: 'BROKER_GONE', httpStatus: 503 });
  await expect(daemon.sandboxes.list()).rejects.toEqual(gone);
  await expect(execIn(daemon.sandboxes, 'a', 'true')).rejects.toEqual(gone);
  await expect(daemon.sandboxes.create(createRequest('b'))).rejects.toEqual(gone);
});
