import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecResult } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { initPid } from '../../support/sandbox-on-host.ts';

const MIB = 1024 * 1024;
let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
  for (const id of ['small', 'other'])
    expect(await installation.call('POST', '/cgi-bin/api/sandboxes', { id, memory_mb: 64 })).toMatchObject({
      status: 201,
    });
});
afterAll(() => installation[Symbol.asyncDispose]());

async function exec(id: string, cmd: string, timeout = 30): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd, timeout });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as ExecResult;
}

/** Anonymous memory, held by awk: one string that is doubled until it is larger than so many bytes. */
const allocate = (bytes: number) => `awk 'BEGIN { s = "x"; while (length(s) < ${bytes}) s = s s; print length(s) }'`;

test('200 MiB in a sandbox of 64 end with 137 and oom, and nothing else is touched', async () => {
  const [init, otherInit] = ['small', 'other'].map((id) => initPid(installation.runFolder, id));
  const neighbour = exec('other', 'sleep 2; echo neighbour');
  const beside = exec('small', 'sleep 2; echo beside');
  const result = await exec('small', `exec ${allocate(200 * MIB)}`);
  expect(result).toMatchObject({ exit_code: 137, oom: true, timed_out: false, stdout: '' });
  expect(await neighbour).toMatchObject({ exit_code: 0, stdout: 'neighbour\n' });
  expect(await beside).toMatchObject({ exit_code: 0, stdout: 'beside\n' });
  expect(await beside).not.toHaveProperty('oom');
  expect(['small', 'other'].map((id) => initPid(installation.runFolder, id))).toEqual([init, otherInit]);
  expect(await exec('small', allocate(8 * MIB))).toMatchObject({ exit_code: 0 });
});

test.each([`${allocate(200 * MIB)}; exit $?`, `true | ${allocate(200 * MIB)}`, 'cat /dev/zero | tail'])(
  'a child that the OOM killer takes is told of: %s',
  async (cmd) => {
    expect(await exec('small', cmd)).toMatchObject({ exit_code: 137, oom: true });
  },
);

test('a kill -9 by hand is not taken for the OOM killer', async () => {
  const byHand = await exec('small', 'sleep 1000 & kill -9 $!; wait $!');
  expect(byHand).toMatchObject({ exit_code: 137 });
  expect(byHand).not.toHaveProperty('oom');
});

test('memory that many commands eat together ends commands, never PID 1', async () => {
  const init = initPid(installation.runFolder, 'small');
  const results = await Promise.all(Array.from({ length: 8 }, () => exec('small', `exec ${allocate(48 * MIB)}`)));
  const victims = results.filter((result) => result.exit_code !== 0);
  expect(victims.length).toBeGreaterThan(0);
  for (const victim of victims) expect(victim).toMatchObject({ exit_code: 137, oom: true });
  expect(initPid(installation.runFolder, 'small')).toBe(init);
});

test('a sandbox has its limit of processes', async () => {
  await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'crowd', memory_mb: 512 });
  const result = await exec('crowd', 'while sleep 1000 & do :; done');
  expect(result.stderr).toMatch(/fork/);
  expect(await exec('crowd', 'echo again')).toMatchObject({ stdout: 'again\n' });
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/crowd')).toMatchObject({ status: 204 });
});

test('files a command may have open are bounded', async () => {
  const ours = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const { stdout } = await exec('other', 'ulimit -Hn');
  expect(Number(stdout)).toBe(Math.min(65_536, Number(ours)));
});
