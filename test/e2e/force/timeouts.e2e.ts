import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ExecResult } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { commandsOf, initPid, processesOf } from '../../support/sandbox-on-host.ts';

let installation: Installation;
let init: number;

beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation[Symbol.asyncDispose]());
beforeEach(async () => {
  const created = await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'wild', memory_mb: 256 });
  expect(created).toMatchObject({ status: 201 });
  init = initPid(installation.runFolder, 'wild');
});
afterEach(async () => {
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/wild')).toMatchObject({ status: 204 });
});

async function exec(cmd: string, timeout = 30, id = 'wild'): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd, timeout });
  expect(status).toBe(200);
  return body as ExecResult;
}

const COMMANDS = {
  'a daemon beside it': "sh -c 'setsid sleep 1000 & sleep 1000'",
  'a daemon of a daemon': '(setsid sh -c "sleep 1000 & exec setsid sleep 1000" &) ; sleep 1000',
  'deafness to signals': "trap '' TERM INT HUP QUIT; while :; do sleep 1000; done",
  'its supervisor killed':
    '(setsid sh -c "(sleep 1000 &) ; sleep 1000" &); sleep 0.2; kill -9 $PPID; setsid sleep 1000 & sleep 1000',
  'its supervisor stopped': 'setsid sleep 1000 & kill -STOP $PPID; sleep 1000',
  'a fork bomb': 'bomb() { bomb | bomb & }; bomb; exec sleep 1000',
  'output without end': 'yes',
  'no output read': 'yes | sleep 1000',
};

// These are over before a client could leave: the agent kills what lost its supervisor.
const SHORT_LIVED = {
  'every supervisor killed': "setsid sh -c 'while :; do kill -9 -1 2>/dev/null; sleep 0.01; done' & sleep 1000",
  'a fork bomb that flees':
    'b=\'setsid sh -c "$b" & setsid sh -c "$b" & kill -9 $PPID\'; export b; eval "$b"; sleep 1000',
};

test.each(Object.entries({ ...COMMANDS, ...SHORT_LIVED }))(
  'a command with %s ends at its timeout, with all of its processes',
  async (_, cmd) => {
    const begin = performance.now();
    const result = await exec(cmd, 1);
    const tookMs = performance.now() - begin;
    expect(commandsOf(init)).toEqual([]);
    expect(result).toMatchObject({ exit_code: 124, timed_out: true });
    expect(result).not.toHaveProperty('interrupted');
    expect(result).not.toHaveProperty('oom');
    expect(tookMs).toBeLessThanOrEqual(1500);
    expect(await exec('echo alive')).toMatchObject({ exit_code: 0, stdout: 'alive\n' });
    // PID 1, the supervisor that waits for the next command, and the process that will become it.
    await expect.poll(() => processesOf(init).length).toBeLessThanOrEqual(3);
  },
);

test.each(Object.entries(COMMANDS))('a command with %s ends when its client goes away', async (_, cmd) => {
  const call = request(`${installation.url}/cgi-bin/api/sandboxes/wild/exec`, { method: 'POST' });
  call.on('error', () => {});
  call.end(JSON.stringify({ cmd, timeout: 600 }));
  await expect.poll(() => commandsOf(init).length).toBeGreaterThan(0);
  call.destroy();
  await expect.poll(() => commandsOf(init), { timeout: 1500 }).toEqual([]);
  expect(await exec('echo alive')).toMatchObject({ seq: 2, exit_code: 0, stdout: 'alive\n' });
  // A command that lost its supervisor gets a moment for its verdict.
  const logs = () => installation.call('GET', '/cgi-bin/api/sandboxes/wild/logs');
  await expect
    .poll(async () => (await logs()).body)
    .toMatchObject([{ seq: 1, cmd, exit_code: 137, interrupted: true, timed_out: false }, { seq: 2 }]);
});

test('what a command leaves behind ends with it, and takes nothing else along', async () => {
  const other = exec('sleep 1; echo done', 10);
  await expect.poll(() => commandsOf(init).length).toBeGreaterThan(0);
  expect(await exec('setsid sleep 1000 & (setsid sleep 1000 &) ; echo left')).toMatchObject({ stdout: 'left\n' });
  expect(commandsOf(init).map(({ name }) => name)).toEqual(expect.not.arrayContaining(['setsid']));
  expect(await other).toMatchObject({ exit_code: 0, stdout: 'done\n' });
  expect(commandsOf(init)).toEqual([]);
});

test('a timeout in one command spares another, which has its own answer', async () => {
  const other = exec('sleep 2; echo done', 10);
  expect(await exec('setsid sleep 1000 & sleep 1000', 1)).toMatchObject({ exit_code: 124 });
  expect(await other).toMatchObject({ exit_code: 0, stdout: 'done\n' });
});

test("a command's own 124 is no timeout", async () => {
  expect(await exec('exit 124')).toMatchObject({ exit_code: 124, timed_out: false });
});

test('another sandbox answers in time while a fork bomb runs', async () => {
  await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'calm', memory_mb: 64 });
  const bomb = exec('bomb() { bomb | bomb & }; bomb; exec sleep 1000', 3);
  await expect.poll(() => commandsOf(init).length).toBeGreaterThan(100);
  for (let i = 0; i < 5; i++)
    expect(await exec('echo calm', 1, 'calm')).toMatchObject({ stdout: 'calm\n', exit_code: 0 });
  expect(await bomb).toMatchObject({ exit_code: 124, timed_out: true });
  expect(commandsOf(init)).toEqual([]);
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/calm')).toMatchObject({ status: 204 });
});
