import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pingAgent } from '../../../src/runtime/agent/ping.ts';
import { AgentMachine, FIRST_ID } from './agent-machine.ts';

let machine: AgentMachine;
beforeAll(async () => {
  machine = await AgentMachine.start();
});
afterAll(() => machine[Symbol.asyncDispose]());

describe('a command ends with', () => {
  const cases: [string, string, { exitCode: number; signal?: number; strangerKills?: number }][] = [
    ['0', 'true', { exitCode: 0 }],
    ['its own code', 'exit 3', { exitCode: 3 }],
    ['255', 'exit 255', { exitCode: 255 }],
    ['128+n for a signal', 'kill -TERM $$', { exitCode: 143, signal: 15 }],
    ['a stranger kill for a SIGKILL that is not ours', 'kill -KILL $$', { exitCode: 137, signal: 9, strangerKills: 1 }],
  ];
  test.each(cases)('%s', async (_, command, { exitCode, signal = 0, strangerKills = 0 }) => {
    expect(await machine.run(command)).toMatchObject({ exitCode, signal, strangerKills, treeEmpty: true });
  });
});

test('a command has its two streams apart, byte by byte', async () => {
  const result = await machine.run('printf "a\\n\\n"; printf "b\\n" >&2');
  expect(result).toMatchObject({ stdout: 'a\n\n', stderr: 'b\n', stdoutBytes: 3, stderrBytes: 2 });
});

describe('a command is refused for', () => {
  const file = (): string => join(machine.folder, 'plain');
  beforeAll(() => writeFileSync(file(), 'no program', { mode: 0o644 }));
  test.each([
    [
      'a workdir that is missing',
      { workdir: '/no/such' },
      'true',
      'Cannot run command: workdir "/no/such" does not exist',
    ],
    ['a workdir that is a file', { workdir: '/etc/passwd' }, 'true', 'workdir "/etc/passwd" is not a folder'],
    [
      'a workdir that its user may not enter',
      { workdir: '/root', uid: 33, gid: 33 },
      'true',
      'is not accessible to its user',
    ],
  ])('%s', async (_, request, command, message) => {
    await expect(machine.run(command, request)).rejects.toThrow(message);
  });
  test('a program that is not in PATH, and one that is, in a folder that is not', async () => {
    await expect(machine.run(['no-such-program'])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { errno: 'ENOENT', step: 'exec' },
    });
    await expect(machine.run(['ls'], { env: { PATH: '/etc:/' } })).rejects.toThrow('program "ls" does not exist');
  });
  test('a program that is not executable', async () => {
    await expect(machine.run([file()])).rejects.toThrow('is not executable');
  });
});

test('a program without PATH is found where a system has its programs', async () => {
  expect(await machine.run(['sh', '-c', 'exit 4'], { env: {} })).toMatchObject({ exitCode: 4 });
});

test('a command has the environment, the folder and the ids that it was given, and nothing else', async () => {
  const result = await machine.run(
    'env | sort; pwd; id -u; id -g; id -G; umask; grep -E "^Sig(Blk|Ign)" /proc/self/status',
    {
      env: { PATH: '/usr/bin:/bin', A: 'b c', EMPTY: '' },
      workdir: '/tmp',
      uid: 1000,
      gid: 1001,
      groups: [4, 27],
    },
  );
  const none = '0000000000000000';
  expect(result.stdout).toBe(
    `A=b c\nEMPTY=\nPATH=/usr/bin:/bin\nPWD=/tmp\n/tmp\n1000\n1001\n1001 4 27\n0022\nSigBlk:\t${none}\nSigIgn:\t${none}\n`,
  );
});

test('a command has no descriptor but its own three, and its stdin is at its end', async () => {
  const result = await machine.run('ls /proc/self/fd; readlink /proc/self/fd/0; cat');
  // 3 is ls's own.
  expect(result.stdout).toBe('0\n1\n2\n3\n/dev/null\n');
});

test('a command is offered to the OOM killer, supervisors and PID 1 are not', async () => {
  const result = await machine.run('cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj /proc/1/oom_score_adj');
  expect(result.stdout).toBe('200\n0\n0\n');
});

test('a command has the priority of any program, whatever that of the agent is', async () => {
  expect((await machine.run('nice; ps -o ni= -p $PPID -p 1')).stdout).toMatch(/^0\n *-20\n *-20\n$/);
});

test('the agent cannot be read, traced or killed by the root of its sandbox', async () => {
  const denied = await machine.run(
    'for f in mem environ maps exe fd/3; do cat /proc/1/$f /proc/$PPID/$f 2>/dev/null; done | wc -c',
  );
  expect(denied.stdout).toBe('0\n');
  // The same bytes of its own can be read, so it is not the way of asking that fails.
  expect((await machine.run('cat /proc/self/maps | wc -c')).stdout).not.toBe('0\n');
  await machine.run('kill -KILL 1; kill -STOP 1; kill -TERM 1; kill -SEGV 1');
  await expect(pingAgent(machine.connect)).resolves.toBeUndefined();
});

test('the ids of a machine are not those out here', async () => {
  await machine.run(`touch ${machine.folder}/mine`);
  const result = await machine.run(`stat -c "%u %g" ${machine.folder}/mine; cat /proc/self/uid_map`);
  expect(result.stdout).toMatch(new RegExp(`^0 0\\n\\s+0\\s+${FIRST_ID}\\s+65536\\n$`));
});

test('a stdin is written in pieces and ended', async () => {
  let said = '';
  const process = await machine.exec('cat; echo end', { stdin: true }, (_, data) => {
    said += data;
  });
  await process.write(Buffer.from('one '));
  await process.write(Buffer.from('two '));
  await process.write(Buffer.alloc(0));
  await process.exited;
  expect(said).toBe('one two end\n');
});

test('a stdin of 32 MiB comes back as it went', async () => {
  const { createHash, randomBytes } = await import('node:crypto');
  const sent = randomBytes(32 << 20);
  const received = createHash('sha256');
  const process = await machine.exec(['cat'], { stdin: true }, (_, data) => received.update(data));
  await process.write(sent);
  await process.write(Buffer.alloc(0));
  expect(await process.exited).toMatchObject({ exitCode: 0, stdoutBytes: sent.length });
  expect(received.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
});

test('a stdin that the command closes is taken by nobody', async () => {
  const process = await machine.exec('exec <&-; sleep 0.05; exit 5', { stdin: true });
  await process.write(Buffer.alloc(1 << 20));
  await process.write(Buffer.alloc(0));
  expect(await process.exited).toMatchObject({ exitCode: 5 });
});

test('a signal reaches a command that does not read its full stdin', async () => {
  const process = await machine.exec(['sleep', '1000'], { stdin: true });
  const written = process.write(Buffer.alloc(1 << 20));
  process.signal(15);
  expect(await process.exited).toMatchObject({ exitCode: 143, signal: 15, strangerKills: 0 });
  await written;
});

test('output beyond the limit is read, counted and dropped, for each stream', async () => {
  const result = await machine.run('head -c 3000000 /dev/zero; head -c 70000 /dev/zero >&2', {
    forwardLimitBytes: 65_536,
  });
  expect(result).toMatchObject({ exitCode: 0, stdoutBytes: 3_000_000, stderrBytes: 70_000 });
  expect([result.stdout.length, result.stderr.length]).toEqual([65_536, 65_536]);
});

test('a client that does not read stops the command, and loses nothing', async () => {
  let received = 0;
  const process = await machine.exec(['head', '-c', '20000000', '/dev/zero'], {}, (_, data) => {
    received += data.length;
  });
  process.pause();
  const written = async (): Promise<string> => (await machine.run('cat /proc/$(pgrep -x head)/io | grep wchar')).stdout;
  const early = await written();
  expect(early).not.toBe('');
  await machine.run('sleep 0.1');
  expect(await written()).toBe(early);
  process.resume();
  expect(await process.exited).toMatchObject({ exitCode: 0, stdoutBytes: 20_000_000 });
  expect(received).toBe(20_000_000);
});

test('the largest request that fits runs', async () => {
  const words = Array.from({ length: 2 }, () => 'x'.repeat(120_000));
  expect((await machine.run(['sh', '-c', 'echo $1 | wc -c', ...words])).stdout).toBe('120001\n');
});
