import { expect, test } from 'vitest';
import { SILENT } from '../lib/log.ts';
import { MachineWatch } from '../processes/machine-watch.ts';
import { MemoryMachine } from '../runtime/memory/memory-machine.ts';
import { MiniFiles } from '../runtime/memory/mini-files.ts';
import { machineSpecOf } from './machine-spec.ts';
import { parseRecord } from './record.ts';
import { Sandbox } from './sandbox.ts';
import type { SandboxState } from './types.ts';

function sandboxOf(state: SandboxState, lifetime = 0): Sandbox {
  const record = parseRecord({
    format: 1,
    id: 'a',
    state: 'running',
    layers: [{ name: '000-base', digest: 'a'.repeat(64) }],
    env: {},
    upper: '0123456789abcdef',
    upperKind: 'disk',
    upperLimitBytes: 1,
    owner: 'anon',
    task: '',
    cpu: 1,
    memoryMiB: 64,
    maxLifetimeSeconds: lifetime,
    allowNet: null,
    nesting: false,
    created: '2026-02-13T10:00:00.000Z',
  });
  return new Sandbox(record, state);
}

function machineOf(sandbox: Sandbox): MemoryMachine {
  return new MemoryMachine(machineSpecOf(sandbox.record), new MiniFiles(1));
}

test('a sandbox stops with its machine', async () => {
  const sandbox = sandboxOf('running');
  const machine = machineOf(sandbox);
  sandbox.runOn(MachineWatch.ofStarted(machine, SILENT));
  expect(sandbox.watch?.machine).toBe(machine);
  machine.die();
  await machine.exited;
  expect(sandbox.watch).toBeUndefined();
  expect(sandbox.state).toBe('stopped');
});

test('a sandbox does not stop with a machine that it had before', async () => {
  const sandbox = sandboxOf('running');
  const [old, young] = [machineOf(sandbox), machineOf(sandbox)];
  sandbox.runOn(MachineWatch.ofStarted(old, SILENT));
  sandbox.runOn(MachineWatch.ofStarted(young, SILENT));
  old.die();
  await old.exited;
  expect(sandbox.watch?.machine).toBe(young);
  expect(sandbox.state).toBe('running');
});

test('a sandbox that is being destroyed stays so when its machine goes', async () => {
  const sandbox = sandboxOf('destroying');
  const machine = machineOf(sandbox);
  sandbox.runOn(MachineWatch.ofStarted(machine, SILENT));
  machine.die();
  await machine.exited;
  expect(sandbox.state).toBe('destroying');
});

test('a sandbox is idle when every call has ended, well or not, those that came meanwhile too', async () => {
  const sandbox = sandboxOf('running');
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const failing = sandbox.track(first.promise).catch(() => {});
  let isIdle = false;
  const idle = sandbox.idle().then(() => {
    isIdle = true;
  });
  const later = sandbox.track(second.promise);
  first.reject(new Error('no'));
  await failing;
  await new Promise(setImmediate);
  expect(isIdle).toBe(false);
  second.resolve();
  await Promise.all([later, idle]);
  expect(isIdle).toBe(true);
});

test('a sandbox ends its lifetime after its creation, or never', () => {
  expect(sandboxOf('running', 90).expiresAt?.toISOString()).toBe('2026-02-13T10:01:30.000Z');
  expect(sandboxOf('running').expiresAt).toBeUndefined();
});

test.each([
  ['creating', 'Cannot use sandbox "a": it is being created'],
  ['destroying', 'Cannot use sandbox "a": it is being destroyed'],
] as const)('a sandbox that is %s cannot be used', (state, message) => {
  expect(() => sandboxOf(state).checkUsable()).toThrow(expect.objectContaining({ code: 'SANDBOX_BUSY', message }));
});
