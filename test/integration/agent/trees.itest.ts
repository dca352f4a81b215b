import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pingAgent } from '../../../src/runtime/agent/ping.ts';
import { encodeExec } from '../../../src/runtime/agent/requests.ts';
import { AgentMachine, Listener } from './agent-machine.ts';

let machine: AgentMachine;
beforeAll(async () => {
  machine = await AgentMachine.start({ maxProcesses: 700 });
});
afterAll(() => machine[Symbol.asyncDispose]());

/** Each leaves a `sleep 1234` behind that nothing of the tree's own would end. */
const TREES: [string, string][] = [
  ['a background job', 'sleep 1234 & echo ready; sleep 1234'],
  ['a session of its own', 'setsid sleep 1234 & echo ready; sleep 1234'],
  ['a daemon, forked twice', '(setsid sh -c "sleep 1234 & exit" &); echo ready; sleep 1234'],
  ['signals ignored', 'trap "" TERM INT HUP; (trap "" TERM; exec sleep 1234) & echo ready; sleep 1234'],
  ['a deep tree', 'f() { if [ $1 -gt 0 ]; then f $(($1 - 1)) & wait; else echo ready; sleep 1234; fi; }; f 40'],
  ['stopped processes', 'sleep 1234 & kill -STOP $!; echo ready; kill -STOP $$'],
];

describe('kill() leaves nothing of', () => {
  test.each(TREES)('%s', async (_, command) => {
    const heard = new Listener();
    const process = await machine.exec(command, {}, heard.onOutput);
    await heard.hears(/ready/);
    expect(machine.processes('1234')).not.toEqual([]);
    process.kill();
    expect(await process.exited).toMatchObject({ exitCode: 137, signal: 9, strangerKills: 0, treeEmpty: true });
    expect(machine.processes('1234')).toEqual([]);
  });
});

describe('a client that goes away leaves nothing of', () => {
  test.each(TREES)('%s', async (_, command) => {
    const connection = machine.connect();
    const request = {
      env: { PATH: '/usr/bin:/bin' },
      workdir: '/',
      uid: 0,
      gid: 0,
      groups: [],
      stdin: false,
      forwardLimitBytes: 0,
    };
    connection.write(encodeExec({ ...request, argv: ['/bin/sh', '-c', command] }));
    const heard = new Listener();
    connection.on('data', (data: Buffer) => heard.onOutput('stdout', data));
    await heard.hears(/ready/);
    connection.destroy();
    expect(await machine.remaining('1234')).toEqual([]);
  });
});

describe('the end of the first process is the end of', () => {
  const ended = TREES.slice(0, 3).map(([name, command]): [string, string] => [
    name,
    command.replace(/sleep 1234$/, 'exit 6'),
  ]);
  test.each(ended)('%s', async (_, command) => {
    expect(await machine.run(command)).toMatchObject({
      exitCode: 6,
      strangerKills: 0,
      treeEmpty: true,
      stdout: 'ready\n',
    });
    expect(machine.processes('1234')).toEqual([]);
  });
});

test('what a dying tree had written still comes', async () => {
  const result = await machine.run('(head -c 60000 /dev/zero; echo; sleep 1234) & sleep 0.2');
  expect(result).toMatchObject({ exitCode: 0, stdoutBytes: 60_001, treeEmpty: true });
});

test('the pipe of a dead tree that another command holds open is not waited for', async () => {
  const path = `${machine.folder}/held`;
  const heard = new Listener();
  // Opens the other's stdout by /proc and keeps it.
  const holder = await machine.exec(
    `mkfifo ${path}; read pid < ${path}; exec 3>/proc/$pid/fd/1; echo holds > ${path}; sleep 1000`,
    {},
    heard.onOutput,
  );
  const result = await machine.run(
    `until [ -p ${path} ]; do :; done; echo $$ > ${path}; read word < ${path}; echo $word`,
  );
  expect(result).toMatchObject({ exitCode: 0, stdout: 'holds\n', treeEmpty: true });
  await holder[Symbol.asyncDispose]();
});

test('a command that kills its supervisor loses its connection, and its orphans die', async () => {
  const process = await machine.exec(
    '(setsid sh -c "kill -KILL $PPID; sleep 1234 & setsid sleep 1234 & sleep 1234" &); sleep 1234',
  );
  await expect(process.exited).rejects.toMatchObject({ code: 'AGENT_FAILED' });
  expect(await machine.remaining('1234')).toEqual([]);
  expect(await machine.run('exit 7')).toMatchObject({ exitCode: 7 });
});

test('a command that kills every process it can loses its connection, and the machine goes on', async () => {
  const other = await machine.exec(['sleep', '1234']);
  // It may be over before it is said to have started.
  const killer = machine.exec('while :; do kill -KILL -1; done').then((each) => each.exited);
  await expect(killer).rejects.toMatchObject({ code: 'AGENT_FAILED' });
  await expect(other.exited).rejects.toMatchObject({ code: 'AGENT_FAILED' });
  expect(await machine.remaining('1234')).toEqual([]);
  expect(await machine.remaining('kill -KILL -1')).toEqual([]);
  expect(await machine.run('exit 7')).toMatchObject({ exitCode: 7 });
});

/** Perl that says "full" when it can fork no more, and goes on. */
const FORK = '$0 = "bomb"; $| = 1; my $first = $$; sub again { my $pid = fork; print "full" if !defined $pid; $pid }';
const BOMBS: [string, string][] = [
  ['of one group', 'again while 1'],
  ['of groups of their own', 'while (1) { again; setpgrp }'],
  ['whose parents leave', 'while (1) { exit if again && $$ != $first && rand() < 0.5; setpgrp }'],
];

describe('a fork bomb is answered, killed, and outlived:', () => {
  test.each(BOMBS)('%s', async (_, bomb) => {
    await using small = await AgentMachine.start({ maxProcesses: 200 });
    const heard = new Listener();
    const process = await small.exec(['perl', '-e', `${FORK} ${bomb}`], { forwardLimitBytes: 100 }, heard.onOutput);
    await heard.hears(/full/);
    expect(small.processes('bomb').length).toBeGreaterThan(50);
    process.kill();
    expect(await process.exited).toMatchObject({ strangerKills: 0 });
    expect(await small.remaining('bomb')).toEqual([]);
    expect(await small.run('exit 7')).toMatchObject({ exitCode: 7 });
  });
});

test('a machine without a process left says so, and works again when there is one', async () => {
  const heard = new Listener();
  const fill = '$0 = "hog"; $| = 1; while (defined($pid = fork)) { sleep 1234 if !$pid } print "full"; sleep 1234';
  const hog = await machine.exec(['perl', '-e', fill], {}, heard.onOutput);
  await heard.hears(/full/);
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => machine.run('/bin/true; /bin/true')));
  const codes = outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : 'ran'));
  expect(codes).toContain('BUSY');
  expect(new Set(codes).difference(new Set(['BUSY', 'ran', 'AGENT_FAILED']))).toEqual(new Set());
  await hog[Symbol.asyncDispose]();
  expect(await machine.remaining('hog')).toEqual([]);
  expect(await machine.run('exit 7')).toMatchObject({ exitCode: 7 });
});

test('the processes that wait for the next command may be killed at any time', async () => {
  // All but PID 1, this command and its own supervisor.
  const waiting =
    'ps -eo pid=,ppid=,comm= | while read p q c; do [ $c = squash-superv ] && [ $p != $PPID ] && echo $q $p; done';
  for (const which of ['^1 ', '-v ^1 ']) {
    // They are made anew once a command has taken them: there may be none at one moment.
    const kill = `${waiting} | grep ${which}| while read q p; do kill -KILL $p && echo killed; done`;
    await expect.poll(async () => (await machine.run(kill)).stdout).toMatch(/^(killed\n)+$/);
    expect(await machine.run('echo on; exit 7')).toMatchObject({ exitCode: 7, stdout: 'on\n' });
  }
});

test('the process that waits for a command may be stopped: other verbs do without it', async () => {
  const ready =
    'ps -eo pid=,ppid=,comm= | while read p q c; do [ $c = squash-superv ] && [ $q != 1 ] && kill -STOP $p && echo stopped; done';
  expect((await machine.run(ready)).stdout).toBe('stopped\n');
  await expect(pingAgent(machine.connect)).resolves.toBeUndefined();
  expect(await machine.run('exit 7')).toMatchObject({ exitCode: 7 });
});

test('200 commands at once each have their own output and end', async () => {
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, index) => machine.run(`echo ${index}; exit ${index % 100}`)),
  );
  expect(results.map(({ stdout, exitCode }) => `${stdout.trim()} ${exitCode}`)).toEqual(
    Array.from({ length: 200 }, (_, index) => `${index} ${index % 100}`),
  );
});

test('a connection that asks for nothing does not keep the next one waiting', async () => {
  const idle = Array.from({ length: 5 }, () => machine.connect());
  await Promise.all(idle.map((each) => new Promise((resolve) => each.on('connect', resolve))));
  idle[0]?.write(Buffer.from([1, 0]));
  expect(await machine.run('exit 7')).toMatchObject({ exitCode: 7 });
  for (const each of idle) each.destroy();
});

test('600 idle connections are more than there are supervisors: the rest is refused, and room comes back', async () => {
  const idle = Array.from({ length: 600 }, () => machine.connect());
  const refused = new Set<unknown>();
  for (const each of idle) each.on('error', () => {}).on('data', () => refused.add(each));
  await expect.poll(() => refused.size, { timeout: 10_000 }).toBeGreaterThan(0);
  for (const each of idle) each.destroy();
  await expect
    .poll(
      () =>
        machine.run('exit 7').then(
          (each) => each.exitCode,
          () => -1,
        ),
      { timeout: 10_000 },
    )
    .toBe(7);
});
