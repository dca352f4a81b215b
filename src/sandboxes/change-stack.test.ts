// All or nothing: a change of the root file system that fails, or whose daemon dies, at each of its steps.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRequest, execIn, SandboxWorld, type TestDaemon } from '../../test/support/sandbox-world.ts';
import { SandboxError } from '../domain/errors.ts';
import { labelOf, parseLayerName, parseSandboxId, parseSnapshotLabel } from '../domain/ids.ts';
import { RecordLog } from './record-log.ts';

const A = parseSandboxId('a');
const S1 = parseSnapshotLabel('s1');
const TOOLS = parseLayerName('100-tools');

let world: SandboxWorld;
let daemon: TestDaemon;
beforeEach(async () => {
  world = await SandboxWorld.make();
  daemon = await world.start();
  await daemon.sandboxes.create(createRequest('a'));
  await execIn(daemon.sandboxes, 'a', 'echo one > /root/file');
  await daemon.sandboxes.snapshot(A, S1);
  await execIn(daemon.sandboxes, 'a', 'echo two > /root/file');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await world[Symbol.asyncDispose]();
});

const CHANGES = {
  restore: ({ sandboxes }: TestDaemon) => sandboxes.restore(A, S1),
  activate: ({ sandboxes }: TestDaemon) => sandboxes.activate(A, TOOLS),
} as const;
type Change = keyof typeof CHANGES;

/** What its client sees of it: its file, its layers, what it stands on, and its environment. */
async function shown({ sandboxes }: TestDaemon) {
  const { stdout } = await execIn(sandboxes, 'a', 'cat /root/file; echo $TOOL');
  const { layers, active_snapshot, state } = await sandboxes.info(A);
  return { stdout, layers, active_snapshot, state };
}

const BEFORE = { stdout: 'two\n\n', layers: ['000-base'], active_snapshot: null, state: 'running' };
const AFTER = {
  restore: { ...BEFORE, stdout: 'one\n\n', active_snapshot: 's1' },
  activate: { ...BEFORE, stdout: 'two\nyes\n', layers: ['000-base', '100-tools'] },
} as const;

/** At this step, once: before the runtime does it, or in the place of the write of a record. */
function at(step: string, hook: () => Promise<void> | void): void {
  let isOver = false;
  const once = async () => {
    if (isOver) return;
    isOver = true;
    await hook();
  };
  if (step !== 'note' && step !== 'put') {
    world.host.onOperation = (operation) => (operation === step ? once() : undefined);
    return;
  }
  const original = RecordLog.prototype[step];
  vi.spyOn(RecordLog.prototype, step).mockImplementation(async function write(this: RecordLog, record) {
    await once();
    await original.call(this, record);
  });
}

/** One machine, one upper, one log: what a sandbox has, and no more. */
async function expectNothingElse({ sandboxes }: TestDaemon): Promise<void> {
  await expect.poll(() => world.host.uppers.size).toBe(1);
  expect(world.host.machines.size).toBe(1);
  expect(await readdir(join(world.dir, 'sandboxes'))).toEqual(['a']);
  await sandboxes.destroy(A);
  expect([world.host.uppers.size, world.host.machines.size]).toEqual([0, 0]);
}

const STEPS: readonly (readonly [Change, string])[] = [
  ['restore', 'makeUpper'],
  ['restore', 'attachLayer'],
  ['restore', 'note'],
  ['restore', 'restack'],
  ['restore', 'put'],
  ['activate', 'attachLayer'],
  ['activate', 'note'],
  ['activate', 'restack'],
  ['activate', 'put'],
];

/** Nothing is mounted but what is used, so that a restore has to mount its snapshot. */
async function forgetMounts(): Promise<void> {
  await world.stop(daemon);
  daemon = await world.start();
}

test.each(STEPS)(
  'a %s that fails at %s leaves the sandbox as it was, and works when asked again',
  async (what, step) => {
    await forgetMounts();
    at(step, () => {
      throw new SandboxError('INTERNAL', 'planted');
    });
    await expect(CHANGES[what](daemon)).rejects.toThrow('planted');
    const machine = world.host.machines.get(labelOf(A));
    expect(await shown(daemon)).toEqual(BEFORE);
    expect(world.host.machines.get(labelOf(A))).toBe(machine);
    await CHANGES[what](daemon);
    expect(await shown(daemon)).toEqual(AFTER[what]);
    await expectNothingElse(daemon);
  },
);

test.each(STEPS)('a %s whose daemon is killed at %s is undone by the next', async (what, step) => {
  await forgetMounts();
  at(step, async () => {
    await world.kill(daemon);
    throw new Error('killed');
  });
  await expect(CHANGES[what](daemon)).rejects.toThrow('killed');
  world.host.onOperation = () => {};
  vi.restoreAllMocks();
  const next = await world.start();
  expect(await shown(next)).toEqual(BEFORE);
  await CHANGES[what](next);
  expect(await shown(next)).toEqual(AFTER[what]);
  await expectNothingElse(next);
});

test('a restore whose daemon is killed when it is on disk is done, and what was replaced is swept', async () => {
  at('dropUpper', () => world.kill(daemon));
  await expect(CHANGES.restore(daemon)).rejects.toMatchObject({ code: 'BROKER_GONE' });
  world.host.onOperation = () => {};
  const next = await world.start();
  expect(await shown(next)).toEqual(AFTER.restore);
  await expectNothingElse(next);
});

test('a restore whose replaced layer cannot be dropped holds all the same', async () => {
  at('dropUpper', () => {
    throw new SandboxError('INTERNAL', 'planted');
  });
  await CHANGES.restore(daemon);
  expect(await shown(daemon)).toEqual(AFTER.restore);
  expect(world.host.uppers.size).toBe(2);
  await world.stop(daemon);
  await expectNothingElse(await world.start());
});

test('a machine that cannot be put back is stopped, and its next start finds the data as it was', async () => {
  let restacks = 0;
  world.host.onOperation = (operation) => {
    if (operation === 'restack' && ++restacks <= 2) throw new SandboxError('START_FAILED', 'planted');
  };
  await expect(CHANGES.restore(daemon)).rejects.toThrow('planted');
  expect((await daemon.sandboxes.info(A)).state).toBe('stopped');
  expect(await shown(daemon)).toEqual(BEFORE);
  await expectNothingElse(daemon);
});

test('a record that is restacking has its machine started anew, on what the record says', async () => {
  await world.stop(daemon);
  const path = join(world.dir, 'state/sandboxes.jsonl');
  const { log, records } = await RecordLog.open(path, { mayBeNew: false });
  for (const record of records) await log.put({ ...record, restacking: true });
  await log[Symbol.asyncDispose]();
  const before = world.host.machines.get(labelOf(A));
  const next = await world.start();
  expect(before?.alive).toBe(false);
  expect(await readFile(path, 'utf8')).toMatch(/"restacking":false[^\n]*\n$/);
  expect(await shown(next)).toEqual(BEFORE);
  await expectNothingElse(next);
});

test.each(STEPS)('a destroy in the middle of a %s, at %s, leaves nothing', async (what, step) => {
  await forgetMounts();
  let destroyed: Promise<void> | undefined;
  at(step, () => {
    destroyed = daemon.sandboxes.destroy(A);
  });
  await Promise.allSettled([CHANGES[what](daemon)]);
  await destroyed;
  expect(daemon.sandboxes.count()).toBe(0);
  expect([...world.host.machines, ...world.host.uppers]).toEqual([]);
  expect(await readdir(join(world.dir, 'sandboxes/a'))).toEqual(['snapshots']);
});

test.each(STEPS.filter(([, step]) => step !== 'put'))(
  'a destroy that began in a %s, at %s, is finished after a kill',
  async (what, step) => {
    await forgetMounts();
    let destroyed: Promise<unknown> | undefined;
    at(step, async () => {
      destroyed = daemon.sandboxes.destroy(A).catch(() => {});
      // Its intent is on disk before the step goes on.
      await expect.poll(() => readFile(join(world.dir, 'state/sandboxes.jsonl'), 'utf8')).toMatch(/"destroying"/);
    });
    const hooked = world.host.onOperation;
    world.host.onOperation = async (operation) => {
      if (operation === 'dropUpper') await world.kill(daemon);
      return hooked(operation);
    };
    await Promise.allSettled([CHANGES[what](daemon)]);
    await destroyed;
    world.host.onOperation = () => {};
    vi.restoreAllMocks();
    const next = await world.start();
    expect(next.sandboxes.count()).toBe(0);
    expect([...world.host.machines, ...world.host.uppers]).toEqual([]);
  },
);
