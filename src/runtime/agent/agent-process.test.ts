import { afterEach, describe, expect, test, vi } from 'vitest';
import { FakeAgent, numbers } from '../../../test/support/fake-agent.ts';
import type { ExecRequest, MachineProcess } from '../runtime.ts';
import type { ConnectAgent } from './connection.ts';
import { execOverAgent } from './exec.ts';
import { FRAME } from './frames.ts';

const REQUEST: ExecRequest = {
  argv: ['prog', 'word'],
  env: { PATH: '/bin' },
  workdir: '/no/such',
  uid: 0,
  gid: 0,
  groups: [],
  stdin: true,
  forwardLimitBytes: 10,
};
const FAILED = expect.objectContaining({ code: 'AGENT_FAILED' });
const STARTED = numbers(2, 3);

interface Exit {
  readonly code?: number;
  readonly signal?: number;
  readonly flags?: number;
  readonly out?: bigint;
  readonly err?: bigint;
}
function exited({ code = 0, signal = 0, flags = 0, out = 0n, err = 0n }: Exit = {}): Buffer {
  return numbers(code, signal, 0, flags, out, err, 0n, 0n, 0n);
}

async function start(
  request: Partial<ExecRequest> = {},
): Promise<{ agent: FakeAgent; process: MachineProcess; output: string[] }> {
  const agent = new FakeAgent();
  const output: string[] = [];
  const starting = execOverAgent(
    agent.connect,
    { ...REQUEST, ...request },
    {
      onOutput: (stream, data) => output.push(`${stream}:${data}`),
    },
  );
  agent.say(FRAME.STARTED, STARTED);
  return { agent, process: await starting, output };
}

afterEach(() => {
  vi.useRealTimers();
});

test('execOverAgent hands output over in order and reports the end', async () => {
  const { agent, process, output } = await start();
  agent.say(FRAME.STDOUT, Buffer.from('one'));
  agent.say(FRAME.STDERR, Buffer.from('two'));
  agent.say(FRAME.STDOUT, Buffer.from('three'));
  agent.say(FRAME.EXITED, exited({ code: 143, signal: 15, flags: 1, out: 9n, err: 3n }));
  expect(await process.exited).toEqual({
    exitCode: 143,
    signal: 15,
    strangerKills: 0,
    treeEmpty: false,
    stdoutBytes: 9,
    stderrBytes: 3,
  });
  expect(output).toEqual(['stdout:one', 'stderr:two', 'stdout:three']);
  expect(process.supervisorPid).toBe(2);
  await agent.settle();
  expect(agent.isLeft).toBe(true);
});

describe('execOverAgent fails, and ends the connection, when the agent', () => {
  const oversized = Buffer.alloc(8, 0xff);
  const cases: [string, (agent: FakeAgent) => void][] = [
    ['says anything before STARTED', (agent) => agent.say(FRAME.STDOUT, Buffer.from('x'))],
    ['says STARTED with a pid that cannot be', (agent) => agent.say(FRAME.STARTED, numbers(0, 3))],
    ['says a frame that is none', (agent) => agent.sayBytes(oversized)],
    ['says an unknown errno', (agent) => agent.say(FRAME.ERROR, numbers(0, 2))],
    ['closes', (agent) => agent.leave()],
  ];
  test.each(cases)('%s', async (_, misbehave) => {
    const agent = new FakeAgent();
    const starting = execOverAgent(agent.connect, REQUEST, { onOutput: () => {} });
    misbehave(agent);
    await expect(starting).rejects.toEqual(FAILED);
    await agent.settle();
    expect(agent.isLeft).toBe(true);
  });
});

describe('a command fails with the agent that', () => {
  const cases: [string, (agent: FakeAgent) => void][] = [
    ['says STARTED twice', (agent) => agent.say(FRAME.STARTED, STARTED)],
    ['says a frame of another verb', (agent) => agent.say(FRAME.FILE_INFO, Buffer.alloc(32))],
    ['forwards more than it was told', (agent) => agent.say(FRAME.STDOUT, Buffer.alloc(11))],
    ['says that more input was taken than was sent', (agent) => agent.say(FRAME.STDIN_TAKEN, numbers(1n))],
    ['reports an exit code that cannot be', (agent) => agent.say(FRAME.EXITED, exited({ code: 256 }))],
    [
      'reports fewer bytes than it forwarded',
      (agent) => {
        agent.say(FRAME.STDERR, Buffer.from('xx'));
        agent.say(FRAME.EXITED, exited({ err: 1n }));
      },
    ],
    ['reports a count that is no safe integer', (agent) => agent.say(FRAME.EXITED, exited({ out: 1n << 53n }))],
    ['closes without an end', (agent) => agent.leave()],
  ];
  test.each(cases)('%s', async (_, misbehave) => {
    const { agent, process } = await start();
    misbehave(agent);
    await expect(process.exited).rejects.toEqual(FAILED);
    await agent.settle();
    expect(agent.isLeft).toBe(true);
  });
});

test('execOverAgent gives an agent 10 s to start the command', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const agent = new FakeAgent();
  const starting = execOverAgent(agent.connect, REQUEST, { onOutput: () => {} });
  const outcome = expect(starting).rejects.toThrow('Cannot talk to agent: it was silent for 10000 ms');
  vi.advanceTimersByTime(10_000);
  await outcome;
});

test('execOverAgent gives a running command all the time it wants', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { agent, process } = await start();
  vi.advanceTimersByTime(86_400_000);
  agent.say(FRAME.EXITED, exited());
  await expect(process.exited).resolves.toMatchObject({ exitCode: 0 });
});

describe('execOverAgent names what is wrong:', () => {
  const workdir = 'Cannot run command: workdir "/no/such"';
  const cases: [string, number, number, string, string][] = [
    ['a missing workdir', 2, 2, 'INVALID_ARGUMENT', `${workdir} does not exist`],
    ['a workdir that is a file', 20, 2, 'INVALID_ARGUMENT', `${workdir} is not a folder`],
    ['a missing program', 2, 4, 'INVALID_ARGUMENT', 'Cannot run command: program "prog" does not exist'],
    ['a program without x', 13, 4, 'INVALID_ARGUMENT', 'Cannot run command: program "prog" is not executable'],
    ['an errno without a text', 40, 4, 'INVALID_ARGUMENT', 'Cannot run command: program "prog" cannot be used (ELOOP)'],
    ['no process left', 11, 3, 'BUSY', 'Cannot run command: the sandbox has no room for another process (EAGAIN)'],
    ['a terminal that cannot be', 5, 7, 'AGENT_FAILED', 'Cannot run command: why (pty, EIO)'],
    ['a step that is none', 5, 99, 'AGENT_FAILED', 'Cannot run command: why (none, EIO)'],
  ];
  test.each(cases)('%s', async (_, errno, step, code, message) => {
    const agent = new FakeAgent();
    const starting = execOverAgent(agent.connect, REQUEST, { onOutput: () => {} });
    agent.say(FRAME.ERROR, Buffer.concat([numbers(errno, step), Buffer.from('why')]));
    await expect(starting).rejects.toMatchObject({ code, message });
    await expect(starting).rejects.toHaveProperty('details.errno');
  });
});

describe('execOverAgent refuses, before it connects,', () => {
  const cases: [string, Partial<ExecRequest>][] = [
    ['a NUL in a word', { argv: ['a\0b'] }],
    ['more words than fit', { argv: ['x'.repeat(262_144)] }],
    ['more words than can be counted', { argv: Array.from({ length: 65_536 }, () => '') }],
  ];
  test.each(cases)('%s', async (_, request) => {
    const connect = vi.fn<ConnectAgent>();
    const starting = execOverAgent(connect, { ...REQUEST, ...request }, { onOutput: () => {} });
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(connect).not.toHaveBeenCalled();
  });
});

test('disposing a command kills it, waits for its end, and hands nothing over any more', async () => {
  const { agent, process, output } = await start();
  const disposed = process[Symbol.asyncDispose]();
  await agent.settle();
  expect(agent.received.at(-1)).toEqual({ type: FRAME.SIGNAL, payload: numbers(0xffff_ffff) });
  agent.say(FRAME.STDOUT, Buffer.from('late'));
  agent.say(FRAME.EXITED, exited({ code: 137, signal: 9, out: 4n }));
  await disposed;
  expect(output).toEqual([]);
  await expect(process.exited).resolves.toMatchObject({ exitCode: 137 });
});

test('disposing a command whose agent is stuck ends the connection', async () => {
  const { agent, process } = await start();
  await process[Symbol.asyncDispose]();
  await expect(process.exited).rejects.toEqual(FAILED);
  await agent.settle();
  expect(agent.isLeft).toBe(true);
});

test('write() is refused for a command without stdin and after its end', async () => {
  const none = await start({ stdin: false });
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
  await expect(none.process.write(Buffer.from('x'))).rejects.toEqual(refused);
  const ended = await start();
  await ended.process.write(Buffer.alloc(0));
  await expect(ended.process.write(Buffer.from('x'))).rejects.toEqual(refused);
});

test('write() to a command that has ended is nobody taking it', async () => {
  const { agent, process } = await start();
  const waiting = process.write(Buffer.alloc(100_000));
  agent.say(FRAME.EXITED, exited());
  await expect(waiting).resolves.toBeUndefined();
  await expect(process.write(Buffer.from('x'))).resolves.toBeUndefined();
});
