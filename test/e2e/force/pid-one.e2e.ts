import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { commandsOf, initPid, processesOf } from '../../support/sandbox-on-host.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation[Symbol.asyncDispose]());
beforeEach(async () => {
  const created = await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'box', memory_mb: 64, cpu: 1.5 });
  expect(created).toMatchObject({ status: 201 });
  expect(await exec('echo kept > /root/file')).toMatchObject({ exit_code: 0 });
});
afterEach(async () => {
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/box')).toMatchObject({ status: 204 });
});

async function exec(cmd: string): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', '/cgi-bin/api/sandboxes/box/exec', { cmd, timeout: 60 });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as ExecResult;
}

const info = async () => (await installation.call('GET', '/cgi-bin/api/sandboxes/box')).body as SandboxInfo;
const init = () => initPid(installation.runFolder, 'box');

test('root inside cannot end PID 1: the kernel keeps its signals away', async () => {
  const before = init();
  expect(await exec('kill -9 1; kill -TERM 1; kill -STOP 1; kill -SEGV 1; echo sent')).toMatchObject({
    stdout: 'sent\n',
  });
  expect(await exec('cat /root/file')).toMatchObject({ stdout: 'kept\n' });
  expect(init()).toBe(before);
  expect(await info()).toMatchObject({ state: 'running' });
});

test('without PID 1 a sandbox is stopped, its data is kept, and the next command starts it again', async () => {
  const before = init();
  const running = exec('setsid sleep 1000 & sleep 1000');
  await expect.poll(() => commandsOf(before).length).toBeGreaterThan(0);
  process.kill(before, 'SIGKILL');
  expect(await running).toMatchObject({ seq: 2, exit_code: 137, interrupted: true, timed_out: false });
  await expect.poll(info).toMatchObject({ state: 'stopped', mounted: false });
  expect(existsSync(`/proc/${before}`)).toBe(false);

  expect(await exec('cat /root/file; cat /proc/sys/kernel/hostname')).toMatchObject({ seq: 3, stdout: 'kept\nbox\n' });
  expect(await info()).toMatchObject({ state: 'running', mounted: true, cpu: 1.5, memory_mb: 64 });
  expect(init()).not.toBe(before);
  // Its limits too.
  expect(await exec('cat /dev/zero | tail')).toMatchObject({ exit_code: 137, oom: true });
});

test('commands that come together while it is stopped share one start', async () => {
  process.kill(init(), 'SIGKILL');
  const results = await Promise.all(Array.from({ length: 10 }, (_, i) => exec(`echo ${i}; cat /root/file`)));
  expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 10 }, (_, i) => `${i}\nkept\n`));
  expect(results.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => i + 2));
  await expect.poll(() => processesOf(init()).length).toBeLessThanOrEqual(3);
});

test('PID 1 is killed again and again under commands, and every command is answered', async () => {
  const enough = new AbortController();
  const killer = (async () => {
    while (!enough.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      // Between its end and its next start there is none.
      try {
        process.kill(init(), 'SIGKILL');
      } catch (error) {
        expect((error as Error).message).toMatch(/ENOENT|ESRCH|No PID 1/);
      }
    }
  })();
  const statuses = new Set<number>();
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        installation.call('POST', '/cgi-bin/api/sandboxes/box/exec', { cmd: 'usleep 20000; cat /root/file' }),
      ),
    );
    for (const { status } of answers) statuses.add(status);
  }
  enough.abort();
  await killer;
  expect(statuses).toContain(200);
  expect(await exec('cat /root/file')).toMatchObject({ stdout: 'kept\n' });
});

test('a stopped sandbox is destroyed as any other', async () => {
  process.kill(init(), 'SIGKILL');
  await expect.poll(info).toMatchObject({ state: 'stopped' });
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/box')).toMatchObject({ status: 204 });
  expect(await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'box', memory_mb: 64 })).toMatchObject({
    status: 201,
  });
  expect(await exec('ls /root')).toMatchObject({ stdout: '' });
});

test('a sandbox that was stopped stays so over a restart of the daemon, until it is asked for', async () => {
  process.kill(init(), 'SIGKILL');
  await expect.poll(info).toMatchObject({ state: 'stopped' });
  await installation.stop();
  await installation.start();
  expect(await info()).toMatchObject({ state: 'stopped', exec_count: 1 });
  expect(await exec('cat /root/file')).toMatchObject({ seq: 2, stdout: 'kept\n' });
});
