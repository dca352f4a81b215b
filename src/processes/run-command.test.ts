import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SandboxError } from '../domain/errors.ts';
import { labelOf, newUpperId, parseSandboxId } from '../domain/ids.ts';
import { SILENT } from '../lib/log.ts';
import { MemoryMachine } from '../runtime/memory/memory-machine.ts';
import { MiniFiles } from '../runtime/memory/mini-files.ts';
import type { MachineProcess } from '../runtime/runtime.ts';
import type { ExecCall } from '../sandboxes/types.ts';
import { ExecLog } from './exec-log.ts';
import { MachineWatch } from './machine-watch.ts';
import { OUTPUT_HEAD_BYTES } from './output-head.ts';
import { runCommand } from './run-command.ts';

const ENV = { PATH: '/bin', HOME: '/root' };

let dir: string;
let machine: MemoryMachine;
let log: ExecLog;
let watch: MachineWatch;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'run-command-'));
  const spec = {
    label: labelOf(parseSandboxId('a')),
    hostname: 'a',
    layers: [],
    upper: newUpperId(),
    limits: { cpuCount: 1, memoryBytes: 1, pidsMax: 1 },
    nesting: false,
    etc: 'fresh' as const,
  };
  machine = new MemoryMachine(spec, new MiniFiles(1e9));
  log = await ExecLog.open(dir, { maxEntries: 100, maxBytes: 1e6, log: SILENT });
  watch = MachineWatch.ofStarted(machine, SILENT);
});
afterEach(async () => {
  vi.useRealTimers();
  machine.die();
  await log.close();
  await rm(dir, { recursive: true });
});

function run(cmd: string, options: Partial<ExecCall> & { signal?: AbortSignal } = {}) {
  const { signal = new AbortController().signal, ...call } = options;
  const exec = { cmd, workdir: '/', timeoutSeconds: 300, ...call };
  return log.during(exec, (begin) => runCommand({ watch, begin, env: ENV }, exec, { signal }));
}

/** The next command of the machine is one that this test plays. */
function playCommand(): { process: MachineProcess; ends: PromiseWithResolvers<never>; kill: ReturnType<typeof vi.fn> } {
  const ends = Promise.withResolvers<never>();
  const kill = vi.fn<() => void>();
  const process = {
    supervisorPid: 7,
    exited: ends.promise,
    kill,
    [Symbol.asyncDispose]: async () => kill(),
  } as unknown as MachineProcess;
  vi.spyOn(machine, 'exec').mockResolvedValueOnce(process as never);
  return { process, ends, kill };
}

test('runCommand() gives streams, exit code and times, and logs the same', async () => {
  const result = await run('echo out; echo err >&2; exit 3', { workdir: '/tmp' });
  expect(result).toMatchObject({
    seq: 1,
    cmd: 'echo out; echo err >&2; exit 3',
    workdir: '/tmp',
    exit_code: 3,
    timed_out: false,
    truncated: false,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  expect(new Date(result.started).toISOString()).toBe(result.started);
  expect(result.finished >= result.started).toBe(true);
  expect(result).not.toHaveProperty('oom');
  expect(result).not.toHaveProperty('interrupted');
  expect(JSON.parse(await readFile(join(dir, '0001.json'), 'utf8'))).toEqual(result);
});

test('runCommand() keeps 64 KiB of each stream and says that there was more', async () => {
  const result = await run('head -c 65537 /dev/zero; echo short >&2');
  expect(result.stdout).toHaveLength(OUTPUT_HEAD_BYTES);
  expect(result).toMatchObject({ truncated: true, stderr: 'short\n', exit_code: 0 });
  expect(await run('head -c 65536 /dev/zero')).toMatchObject({ truncated: false });
});

test('runCommand() answers a timeout with 124, and the command is gone', async () => {
  vi.useFakeTimers();
  const result = run('echo before; sleep 1000', { timeoutSeconds: 5 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(await result).toMatchObject({ exit_code: 124, timed_out: true, stdout: 'before\n' });
  expect(await result).not.toHaveProperty('interrupted');
  expect(machine.commands).toEqual([]);
});

test("runCommand() tells a command's own 124 from a timeout", async () => {
  expect(await run('exit 124')).toMatchObject({ exit_code: 124, timed_out: false });
});

test('runCommand() ends the command of a client that went away', async () => {
  const client = new AbortController();
  const result = run('sleep 1000', { signal: client.signal });
  client.abort();
  expect(await result).toMatchObject({ exit_code: 137, timed_out: false, interrupted: true });
  expect(machine.commands).toEqual([]);
});

test('runCommand() lets the first cause win', async () => {
  vi.useFakeTimers();
  const { ends, kill } = playCommand();
  const client = new AbortController();
  const result = run('x', { timeoutSeconds: 1, signal: client.signal });
  await vi.advanceTimersByTimeAsync(1000);
  client.abort();
  ends.resolve({ exitCode: 0, signal: 0, strangerKills: 0, treeEmpty: true, stdoutBytes: 0, stderrBytes: 0 } as never);
  await vi.advanceTimersByTimeAsync(0);
  expect(await result).toMatchObject({ exit_code: 124, timed_out: true });
  expect(kill).toHaveBeenCalledTimes(1);
});

test('runCommand() has a stubborn tree killed from outside and answers within half a second of its timeout', async () => {
  vi.useFakeTimers();
  playCommand();
  const killTree = vi.spyOn(machine, 'killTree').mockReturnValue(new Promise(() => {}));
  const answered = vi.fn<() => void>();
  const result = run('x', { timeoutSeconds: 1 }).then((each) => {
    answered();
    return each;
  });
  await vi.advanceTimersByTimeAsync(1199);
  expect(killTree).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2);
  expect(killTree).toHaveBeenCalledWith(7);
  await vi.advanceTimersByTimeAsync(298);
  expect(answered).toHaveBeenCalled();
  expect(await result).toMatchObject({ exit_code: 124, timed_out: true });
});

test('runCommand() has a tree killed from outside that outlived its first process', async () => {
  const { ends } = playCommand();
  const killTree = vi.spyOn(machine, 'killTree');
  ends.resolve({ exitCode: 0, signal: 0, strangerKills: 0, treeEmpty: false, stdoutBytes: 0, stderrBytes: 0 } as never);
  expect(await run('x')).toMatchObject({ exit_code: 0 });
  expect(killTree).toHaveBeenCalledWith(7);
});

test('runCommand() calls a command interrupted whose supervisor is lost, and looks for its tree', async () => {
  vi.useFakeTimers();
  const { ends } = playCommand();
  const killTree = vi.spyOn(machine, 'killTree');
  ends.reject(new SandboxError('AGENT_FAILED', 'gone'));
  const result = run('x');
  await vi.advanceTimersByTimeAsync(1000);
  expect(await result).toMatchObject({ exit_code: 137, interrupted: true, timed_out: false });
  expect(killTree).toHaveBeenCalledWith(7);
});

test('runCommand() calls a command timed out that ended its supervisor within a second of its timeout', async () => {
  vi.useFakeTimers();
  const { ends } = playCommand();
  const result = run('x', { timeoutSeconds: 1 });
  await vi.advanceTimersByTimeAsync(10);
  ends.reject(new SandboxError('AGENT_FAILED', 'gone'));
  await vi.advanceTimersByTimeAsync(1000);
  expect(await result).toMatchObject({ exit_code: 124, timed_out: true });
  expect(await result).not.toHaveProperty('interrupted');
});

test('runCommand() ends what a command began whose supervisor was lost before it could say so', async () => {
  vi.useFakeTimers();
  vi.spyOn(machine, 'exec').mockRejectedValueOnce(new SandboxError('AGENT_FAILED', 'gone'));
  const killTree = vi.spyOn(machine, 'killTree');
  const result = run('x', { timeoutSeconds: 1 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(await result).toMatchObject({ seq: 1, exit_code: 124, timed_out: true });
  expect(killTree).toHaveBeenCalledWith(undefined);
});

test('runCommand() gives back the number of a command that found its machine dead', async () => {
  vi.spyOn(machine, 'exec').mockImplementationOnce(() => {
    machine.die();
    return Promise.reject(new SandboxError('AGENT_FAILED', 'gone'));
  });
  await expect(run('x')).rejects.toMatchObject({ code: 'AGENT_FAILED' });
  expect(log.lastSeq).toBe(0);
});

test('runCommand() holds a machine that cannot start a command to the timeout too', async () => {
  vi.useFakeTimers();
  const starting = Promise.withResolvers<MachineProcess>();
  const { process, kill } = playCommand();
  vi.spyOn(machine, 'exec')
    .mockReset()
    .mockReturnValueOnce(starting.promise as never);
  const killTree = vi.spyOn(machine, 'killTree');
  const result = run('x', { timeoutSeconds: 1 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(await result).toMatchObject({ exit_code: 124, timed_out: true });
  expect(killTree).toHaveBeenCalledWith(undefined);
  starting.resolve(process);
  await vi.advanceTimersByTimeAsync(0);
  expect(kill).toHaveBeenCalled();
});

test('runCommand() refuses a workdir that does not exist and gives the number to the next', async () => {
  await expect(run('true', { workdir: '/no/such' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(await run('true')).toMatchObject({ seq: 1 });
  expect(await log.results()).toHaveLength(1);
});

test('runCommand() reports the OOM killer only when the counter rose and the tree lost a process', async () => {
  const killed = { exitCode: 137, signal: 9, strangerKills: 1, treeEmpty: true, stdoutBytes: 0, stderrBytes: 0 };
  playCommand().ends.resolve(killed as never);
  expect(await run('kill -9 itself')).not.toHaveProperty('oom');
  machine.oomKills = 1;
  expect(await run('unharmed')).not.toHaveProperty('oom');
  playCommand().ends.resolve(killed as never);
  expect(await run('victim')).toMatchObject({ exit_code: 137, oom: true });
  playCommand().ends.resolve(killed as never);
  expect(await run('kill -9 itself')).not.toHaveProperty('oom');
});

test('runCommand() reports the OOM killer of a child whose shell passes its 137 on', async () => {
  const passedOn = { exitCode: 137, signal: 0, strangerKills: 0, treeEmpty: true, stdoutBytes: 0, stderrBytes: 0 };
  playCommand().ends.resolve(passedOn as never);
  expect(await run('exit 137')).not.toHaveProperty('oom');
  machine.oomKills = 1;
  playCommand().ends.resolve(passedOn as never);
  expect(await run('victim | true')).toMatchObject({ exit_code: 137, oom: true });
  playCommand().ends.resolve(passedOn as never);
  expect(await run('exit 137')).not.toHaveProperty('oom');
});

test('runCommand() calls a command interrupted that a kill of another tree hit', async () => {
  const victim = playCommand();
  const hit = run('victim');
  const culprit = playCommand();
  const escalating = Promise.withResolvers<{ escalated: boolean }>();
  vi.spyOn(machine, 'killTree').mockReturnValue(escalating.promise);
  const ended = run('culprit');
  const report = { exitCode: 137, signal: 9, strangerKills: 1, treeEmpty: true, stdoutBytes: 0, stderrBytes: 0 };
  culprit.ends.resolve({ ...report, exitCode: 0, signal: 0, strangerKills: 0, treeEmpty: false } as never);
  victim.ends.resolve(report as never);
  // The victim's end is known before it is known whose kill it was.
  await new Promise(setImmediate);
  escalating.resolve({ escalated: true });
  expect(await hit).toMatchObject({ exit_code: 137, interrupted: true });
  expect(await ended).toMatchObject({ exit_code: 0 });
  expect(await ended).not.toHaveProperty('interrupted');
});

test('runCommand() calls a command interrupted that died with its whole machine', async () => {
  const victim = playCommand();
  const hit = run('victim');
  victim.ends.resolve({ exitCode: 137, signal: 9, strangerKills: 1, treeEmpty: true } as never);
  await new Promise(setImmediate);
  machine.die();
  expect(await hit).toMatchObject({ exit_code: 137, interrupted: true });
});

test('runCommand() calls a command interrupted that died while its machine was being ended', async () => {
  playCommand().ends.resolve({ exitCode: 137, signal: 9, strangerKills: 1, treeEmpty: true } as never);
  watch.expectEnd();
  expect(await run('victim')).toMatchObject({ exit_code: 137, interrupted: true });
});

test('runCommand() gives parallel commands distinct numbers without gaps', async () => {
  const results = await Promise.all(Array.from({ length: 50 }, (_, index) => run(`echo ${index}`)));
  expect(results.map((result) => result.seq).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
  expect(results.map((result) => result.stdout)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}\n`));
});
