import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Digest,
  labelOf,
  newUpperId,
  parseSandboxId,
  type SandboxLabel,
  type UpperId,
} from '../../src/domain/ids.ts';
import type { Machine, MachineSpec, Runtime } from '../../src/runtime/runtime.ts';
import { ENV, NOBODY_KNOWS, run, start } from './machine-commands.ts';
import { stackContract } from './runtime-stacks.ts';

/** A place where the contract can be tried, fresh for each test; disposing it leaves nothing behind. */
export interface RuntimeHarness extends AsyncDisposable {
  readonly runtime: Runtime;
  /** In the store, not attached; together they give `/bin/sh`, cat, echo, env, head, mkdir, pwd, setsid, sleep and true. */
  readonly layers: readonly Digest[];
  /** Processes of a machine that nobody uses: PID 1, and those that wait for the next command. */
  readonly idlePids: number;
  /** A second daemon over the same host, the first one being gone. */
  reconnect(): Promise<Runtime>;
}

const MIB = 1024 * 1024;
const UPPER_BYTES = 32 * MIB;

/** What every driver of the runtime port keeps, the fake that unit tests stand on among them. */
export function runtimeContract(name: string, makeHarness: () => Promise<RuntimeHarness>): void {
  describe(`${name} keeps the runtime contract:`, () => {
    let harness: RuntimeHarness;
    let runtime: Runtime;
    let upper: UpperId;
    const label = labelOf(parseSandboxId('contract'));

    beforeEach(async () => {
      harness = await makeHarness();
      runtime = harness.runtime;
      upper = newUpperId();
    });
    afterEach(() => harness[Symbol.asyncDispose]());

    async function makeUpper(id: UpperId = upper): Promise<UpperId> {
      await runtime.makeUpper(id, { kind: 'disk', sizeBytes: UPPER_BYTES, reserveBytes: 0, sparse: true });
      return id;
    }

    function specOf(changes: Partial<MachineSpec> = {}): MachineSpec {
      const limits = { cpuCount: 1, memoryBytes: 128 * MIB, pidsMax: 64 };
      return {
        label,
        hostname: 'contract',
        layers: harness.layers,
        upper,
        limits,
        nesting: false,
        etc: 'fresh',
        ...changes,
      };
    }

    /** Those that have just ended leave a moment later. */
    const expectIdle = (machine: Machine) =>
      expect.poll(async () => (await machine.stats()).pids).toBe(harness.idlePids);

    async function startMachine(): Promise<Machine> {
      for (const digest of harness.layers) await runtime.attachLayer(digest);
      await makeUpper();
      return runtime.start(specOf());
    }

    test('probe() says that it can start machines', async () => {
      expect(await runtime.probe()).toMatchObject({ usable: true });
    });

    test('exec() runs a command and gives its streams, apart, and its exit code', async () => {
      const machine = await startMachine();
      expect(await run(machine, 'echo out; echo err >&2; exit 3')).toMatchObject({
        stdout: 'out\n',
        stderr: 'err\n',
        exitCode: 3,
        signal: 0,
        treeEmpty: true,
        strangerKills: 0,
        stdoutBytes: 4,
        stderrBytes: 4,
      });
    });

    test('exec() gives the command the asked environment and nothing else', async () => {
      const machine = await startMachine();
      const env = { PATH: ENV.PATH, ONLY: 'this one', EMPTY: '' };
      const { stdout } = await run(machine, { argv: ['env'], env });
      expect(stdout.trim().split('\n').toSorted()).toEqual(['EMPTY=', 'ONLY=this one', `PATH=${ENV.PATH}`]);
    });

    test('exec() starts the command in the asked folder', async () => {
      const machine = await startMachine();
      expect((await run(machine, { argv: ['/bin/sh', '-c', 'pwd'], workdir: '/tmp' })).stdout).toBe('/tmp\n');
    });

    test('exec() refuses a folder and a program that do not exist', async () => {
      const machine = await startMachine();
      const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
      await expect(run(machine, { argv: ['true'], workdir: '/no/such' })).rejects.toEqual(refused);
      await expect(run(machine, { argv: ['no-such-program'] })).rejects.toEqual(refused);
    });

    test('exec() runs commands side by side, each with its own supervisor', async () => {
      const machine = await startMachine();
      const slow = await start(machine, 'sleep 1000');
      const results = await Promise.all(['a', 'b', 'c'].map((word) => run(machine, `echo ${word}`)));
      expect(results.map((result) => result.stdout)).toEqual(['a\n', 'b\n', 'c\n']);
      const other = await start(machine, 'sleep 1000');
      expect(other.process.supervisorPid).not.toBe(slow.process.supervisorPid);
      await slow.process[Symbol.asyncDispose]();
      await other.process[Symbol.asyncDispose]();
    });

    test('stdin reaches the command until it is ended, and is at its end when none was asked for', async () => {
      const machine = await startMachine();
      const { process, finished } = await start(machine, { argv: ['cat'], stdin: true });
      await process.write(Buffer.from('one '));
      await process.write(Buffer.from('two'));
      await process.write(Buffer.alloc(0));
      expect(await finished).toMatchObject({ stdout: 'one two', exitCode: 0 });
      expect(await run(machine, { argv: ['cat'] })).toMatchObject({ stdout: '', exitCode: 0 });
    });

    test('the forward limit bounds what comes, and all is counted', async () => {
      const machine = await startMachine();
      const result = await run(machine, { argv: ['head', '-c', '200000', '/dev/zero'], forwardLimitBytes: 1000 });
      expect(result.stdout).toHaveLength(1000);
      expect(result).toMatchObject({ stdoutBytes: 200_000, exitCode: 0 });
    });

    test('without a forward limit, everything comes', async () => {
      const machine = await startMachine();
      const result = await run(machine, { argv: ['head', '-c', '3000000', '/dev/zero'] });
      expect(result.stdout).toHaveLength(3_000_000);
    });

    test('a command that a signal ends reports 128+n', async () => {
      const machine = await startMachine();
      expect(await run(machine, 'kill -TERM $$')).toMatchObject({ exitCode: 143, signal: 15 });
    });

    test('signal() reaches the command', async () => {
      const machine = await startMachine();
      const { process, finished } = await start(machine, { argv: ['sleep', '1000'] });
      process.signal(15);
      expect(await finished).toMatchObject({ exitCode: 143, signal: 15 });
    });

    test('kill() ends a command and what it left in the background', async () => {
      const machine = await startMachine();
      const { process, finished } = await start(machine, 'sleep 1000 & sleep 1000');
      process.kill();
      expect(await finished).toMatchObject({ exitCode: 137, signal: 9, treeEmpty: true, strangerKills: 0 });
    });

    test('what a command leaves in the background ends with it', async () => {
      const machine = await startMachine();
      expect(await run(machine, 'setsid sleep 1000 & echo done')).toMatchObject({ stdout: 'done\n', treeEmpty: true });
      await expectIdle(machine);
    });

    test('disposing a process kills it', async () => {
      const machine = await startMachine();
      const { process, finished } = await start(machine, 'sleep 1000');
      const outcome = finished.catch((error: unknown) => error);
      await process[Symbol.asyncDispose]();
      await outcome;
      await expectIdle(machine);
    });

    test('killTree() ends one command and spares the others', async () => {
      const machine = await startMachine();
      const victim = await start(machine, 'sleep 1000');
      const other = await start(machine, { argv: ['cat'], stdin: true });
      const outcome = victim.finished.catch((error: unknown) => error);
      expect(await machine.killTree(victim.process.supervisorPid)).toEqual({ escalated: false });
      await outcome;
      await other.process.write(Buffer.from('alive'));
      await other.process.write(Buffer.alloc(0));
      expect(await other.finished).toMatchObject({ stdout: 'alive', exitCode: 0 });
    });

    test('files are written and read back with their mode', async () => {
      const machine = await startMachine();
      const content = Buffer.alloc(300_000, 'squash');
      await machine.writeFile('/root/file', pieces(content), { mode: 0o640 });
      const { info, content: read } = await machine.readFile('/root/file');
      expect(info).toMatchObject({ kind: 'file', mode: 0o640, uid: 0, gid: 0, sizeBytes: 300_000 });
      expect((await collect(read)).equals(content)).toBe(true);
      expect((await run(machine, 'cat /root/file')).stdoutBytes).toBe(300_000);
    });

    test('a file that is not there is FILE_NOT_FOUND, to read and to write below', async () => {
      const machine = await startMachine();
      const missing = expect.objectContaining({ code: 'FILE_NOT_FOUND' });
      await expect(machine.readFile('/no/such')).rejects.toEqual(missing);
      await expect(machine.writeFile('/no/such', pieces(Buffer.from('x')), { mode: 0o644 })).rejects.toEqual(missing);
    });

    test('a folder is read as a tar, which another folder takes', async () => {
      const machine = await startMachine();
      await run(machine, 'mkdir -p /tmp/tree/sub; echo deep > /tmp/tree/sub/file');
      const { info, content } = await machine.readFile('/tmp/tree');
      expect(info.kind).toBe('folder');
      await machine.writeTar('/tmp/copy', content);
      expect((await run(machine, 'cat /tmp/copy/sub/file')).stdout).toBe('deep\n');
    });

    test('an upper keeps its files from one machine to the next', async () => {
      const machine = await startMachine();
      await run(machine, 'echo kept > /root/file');
      await machine.stop();
      const next = await runtime.start(specOf());
      expect((await run(next, 'cat /root/file')).stdout).toBe('kept\n');
    });

    test('an upper is of one machine: another one on it, and its removal, are refused until that one is gone', async () => {
      const machine = await startMachine();
      const second = specOf({ label: labelOf(parseSandboxId('second')) });
      // Side by side: a broker that says "busy" is asked again for a while.
      const refused = await Promise.allSettled([runtime.start(second), runtime.dropUpper(upper)]);
      const failed = { status: 'rejected', reason: { code: 'START_FAILED' } };
      expect(refused).toMatchObject([failed, failed]);
      expect((await runtime.inventory()).machines).toEqual([label]);
      await machine.stop();
      await (await runtime.start(second)).stop();
      await runtime.dropUpper(upper);
      expect((await runtime.inventory()).uppers).toEqual([]);
    });

    test('an upper has an end, and says how much is used', async () => {
      const machine = await startMachine();
      const before = await runtime.upperUsage(upper);
      await run(machine, 'head -c 4000000 /dev/zero > /root/big');
      const after = await runtime.upperUsage(upper);
      expect(after.usedBytes - before.usedBytes).toBeGreaterThanOrEqual(4_000_000);
      expect(after.limitBytes).toBeLessThanOrEqual(UPPER_BYTES);
      const full = await run(machine, 'head -c 64000000 /dev/zero > /root/too-big');
      expect(full.exitCode).not.toBe(0);
      // busybox's head has one word for all that can go wrong.
      expect(full.stderr).toMatch(/No space left on device|I\/O error/);
    });

    test('makeUpper() refuses to eat the reserve', async () => {
      const options = { kind: 'disk', sizeBytes: UPPER_BYTES, reserveBytes: 2 ** 52, sparse: false } as const;
      await expect(runtime.makeUpper(upper, options)).rejects.toMatchObject({ code: 'NO_SPACE' });
      expect((await runtime.inventory()).uppers).not.toContain(upper);
    });

    test('stop() ends the machine and every command of it', async () => {
      const machine = await startMachine();
      const { finished } = await start(machine, 'sleep 1000');
      const outcome = expect(finished).rejects.toMatchObject({ code: 'AGENT_FAILED' });
      await machine.stop();
      await machine.exited;
      await outcome;
      await expect(run(machine, 'true')).rejects.toMatchObject({ code: 'AGENT_FAILED' });
      expect(await runtime.adopt(label)).toBeUndefined();
    });

    test('stats() counts what runs', async () => {
      const machine = await startMachine();
      await expectIdle(machine);
      const idle = await machine.stats();
      expect(idle.oomKills).toBe(0);
      expect(idle.memoryBytes).toBeGreaterThan(0);
      const { process } = await start(machine, 'sleep 1000');
      expect((await machine.stats()).pids).toBeGreaterThan(harness.idlePids);
      await process[Symbol.asyncDispose]();
    });

    test('start() refuses what is missing or already there, and leaves nothing', async () => {
      await makeUpper();
      await expect(runtime.start(specOf())).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' });
      for (const digest of harness.layers) await runtime.attachLayer(digest);
      await expect(runtime.start(specOf({ upper: newUpperId() }))).rejects.toMatchObject({ code: 'START_FAILED' });
      expect((await runtime.inventory()).machines).toEqual([]);
      await runtime.start(specOf());
      await expect(runtime.start(specOf())).rejects.toMatchObject({ code: 'START_FAILED' });
    });

    stackContract({
      harness: () => harness,
      upper: () => upper,
      startMachine,
      makeUpper,
      expectIdle,
    });

    test('attachLayer() knows which layers there are, and attaching twice is attaching', async () => {
      await expect(runtime.attachLayer(NOBODY_KNOWS)).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' });
      const [digest = NOBODY_KNOWS] = harness.layers;
      await runtime.attachLayer(digest);
      await runtime.attachLayer(digest);
      await runtime.detachLayer(digest);
      expect((await runtime.inventory()).layers).not.toContain(digest);
    });

    test('removeLayer() spares what is mounted', async () => {
      const [digest = NOBODY_KNOWS] = harness.layers;
      await runtime.attachLayer(digest);
      expect(await runtime.removeLayer(digest)).toBe(false);
      await runtime.attachLayer(digest);
      expect(await runtime.removeLayer(NOBODY_KNOWS)).toBe(true);
    });

    test('undoing what is not there succeeds', async () => {
      await runtime.detachLayer(NOBODY_KNOWS);
      await runtime.dropUpper(newUpperId());
      await runtime.stopMachine('0123456789abcdef' as SandboxLabel);
      expect(await runtime.adopt('0123456789abcdef' as SandboxLabel)).toBeUndefined();
    });

    test('inventory() names what there is, until it is undone', async () => {
      const machine = await startMachine();
      expect(await runtime.inventory()).toMatchObject({ machines: [label], uppers: [upper] });
      expect((await runtime.inventory()).layers.toSorted()).toEqual(harness.layers.toSorted());
      await machine.stop();
      await runtime.dropUpper(upper);
      for (const digest of harness.layers) await runtime.detachLayer(digest);
      expect(await runtime.inventory()).toEqual({ machines: [], uppers: [], layers: [] });
    });

    test('a machine outlives its daemon: the next one adopts it, and its commands are gone', async () => {
      const machine = await startMachine();
      await run(machine, 'echo kept > /tmp/file');
      const { finished } = await start(machine, 'sleep 1000');
      const outcome = finished.catch((error: unknown) => error);
      runtime = await harness.reconnect();
      await outcome;
      const adopted = await runtime.adopt(label);
      if (adopted === undefined) throw new Error('The machine was not adopted');
      expect((await run(adopted, 'cat /tmp/file')).stdout).toBe('kept\n');
      await expectIdle(adopted);
      await adopted.stop();
      await adopted.exited;
    });
  });
}

async function* pieces(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
}

async function collect(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of content) all.push(piece);
  return Buffer.concat(all);
}
