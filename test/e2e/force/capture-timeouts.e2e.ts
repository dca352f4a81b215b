import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';
import { commandsOf, initPid } from '../../support/sandbox-on-host.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';

let installation: Installation;
beforeAll(async () => {
  installation = await Installation.start({ env: { SQUASH_CAPTURE_TIMEOUT_S: '2' } });
});
afterAll(() => installation?.[Symbol.asyncDispose]());
beforeEach(async () => {
  expect(await installation.call('POST', SANDBOXES, { id: 'slow' })).toMatchObject({ status: 201 });
  // Holes are packed as zeros: much longer than the time that there is, and within what is packed at all.
  expect(await exec('truncate -s 200G /huge')).toMatchObject({ exit_code: 0 });
});
afterEach(async () => {
  expect(await installation.call('DELETE', `${SANDBOXES}/slow`)).toMatchObject({ status: expect.any(Number) });
  expect(readdirSync(join(installation.dataFolder, 'modules/.taken'))).toEqual([]);
});

async function exec(cmd: string, timeout = 20): Promise<unknown> {
  return (await installation.call('POST', `${SANDBOXES}/slow/exec`, { cmd, timeout })).body;
}

const snapshot = () => installation.call('POST', `${SANDBOXES}/slow/snapshot`);
const commands = () => commandsOf(initPid(installation.runFolder, 'slow')).length;

test('a snapshot that takes too long answers 504, and the sandbox goes on', async () => {
  const begin = performance.now();
  expect(await snapshot()).toMatchObject({
    status: 504,
    body: { error: expect.stringMatching(/^Cannot snapshot "slow": not done after 2 s/) },
  });
  expect(performance.now() - begin).toBeLessThan(6000);
  expect(await exec('echo thawed', 5)).toMatchObject({ stdout: 'thawed\n' });
  expect((await installation.call('GET', '/v1/sandboxes/slow/snapshots')).body).toEqual([]);
  // What was too much is gone: it works.
  await exec('rm /huge');
  expect(await snapshot()).toMatchObject({ status: 200 });
});

test('a command whose timeout expires while the sandbox stands still is ended', async () => {
  const running = exec('setsid sleep 1000 & sleep 1000', 1);
  await expect.poll(commands).toBeGreaterThan(0);
  const taken = snapshot();
  expect(await running).toMatchObject({ exit_code: 124, timed_out: true });
  expect(await taken).toMatchObject({ status: 504 });
  expect(commands()).toBe(0);
});

test('a command whose timeout is longer than the pause is not', async () => {
  const running = exec('sleep 1; echo done', 20);
  await expect.poll(commands).toBeGreaterThan(0);
  expect(await snapshot()).toMatchObject({ status: 504 });
  expect(await running).toMatchObject({ stdout: 'done\n', timed_out: false });
});

test('a destroy ends a capture, and leaves nothing', async () => {
  const taken = snapshot();
  const folder = join(installation.dataFolder, 'modules/.taken');
  await expect.poll(() => readdirSync(folder).length).toBe(1);
  const begin = performance.now();
  expect(await installation.call('DELETE', `${SANDBOXES}/slow`)).toMatchObject({ status: 204 });
  expect(performance.now() - begin).toBeLessThan(2000);
  expect((await taken).status).not.toBe(200);
  expect(readdirSync(folder)).toEqual([]);
});
