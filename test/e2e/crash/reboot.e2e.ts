import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { reboot } from '../../support/reboot.ts';
import { commandsOf, initPid, memoryLimitOf } from '../../support/sandbox-on-host.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';
let installation: Installation;

beforeEach(async () => {
  installation = await Installation.start();
});
afterEach(() => installation[Symbol.asyncDispose]());

const create = (id: string, more: object = {}) =>
  installation.call('POST', SANDBOXES, { id, memory_mb: 96, cpu: 1.5, owner: 'dana', ...more });

async function exec(id: string, cmd: string): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', `${SANDBOXES}/${id}/exec`, { cmd });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as ExecResult;
}

async function list(): Promise<SandboxInfo[]> {
  return (await installation.call('GET', SANDBOXES)).body as SandboxInfo[];
}

/** Block of user ids that an installation has. */
function blockOf({ runFolder }: Installation): string | undefined {
  const blocks = Array.from({ length: 16 }, (_, i) => `/run/squash/ids/${i}`);
  return blocks.find((path) => {
    try {
      return readFileSync(path, 'utf8').startsWith(basename(runFolder));
    } catch {
      return false;
    }
  });
}

test.each([{ forgetsRun: true }, { forgetsRun: false }])(
  'after a reboot (/run is empty: $forgetsRun) the sandboxes are there with their files and limits',
  async (options) => {
    for (const id of ['a', 'b']) {
      expect(await create(id)).toMatchObject({ status: 201 });
      const cmd = `echo ${id} > /root/me; touch /root/his; chown 1000:100 /root/his; rm /bin/date; sync`;
      expect(await exec(id, cmd)).toMatchObject({ exit_code: 0 });
    }
    expect(await create('gone')).toMatchObject({ status: 201 });
    expect(await installation.call('DELETE', `${SANDBOXES}/gone`)).toMatchObject({ status: 204 });
    const before = await list();
    const running = installation.call('POST', `${SANDBOXES}/a/exec`, { cmd: 'sleep 1000' }).catch(() => undefined);
    await expect.poll(() => commandsOf(initPid(installation.runFolder, 'a')).length).toBeGreaterThan(0);
    const half = create('half').catch(() => undefined);
    await installation.call('GET', '/cgi-bin/health');

    await reboot(installation, options);
    await Promise.all([running, half]);
    await installation.start();

    const after = (await list()).filter(({ id }) => id !== 'half');
    expect(after.map(({ id, created, layers, owner }) => ({ id, created, layers, owner }))).toEqual(
      before.map(({ id, created, layers, owner }) => ({ id, created, layers, owner })),
    );
    for (const id of ['a', 'b']) {
      const cmd = 'cat /root/me; stat -c %u:%g /root/me /root/his; ls /bin/date; echo written > /root/again';
      expect(await exec(id, cmd)).toMatchObject({ stdout: `${id}\n0:0\n1000:100\n`, seq: id === 'a' ? 3 : 2 });
      expect(memoryLimitOf(initPid(installation.runFolder, id))).toBe(96 * 1024 * 1024);
    }
    expect((await list()).filter(({ id }) => id !== 'half')).toMatchObject([
      { id: 'a', state: 'running', cpu: 1.5, memory_mb: 96 },
      { id: 'b', state: 'running', cpu: 1.5, memory_mb: 96 },
    ]);
    const { body: logs } = await installation.call('GET', `${SANDBOXES}/a/logs`);
    expect(logs).toMatchObject([
      { seq: 1 },
      { seq: 2, cmd: 'sleep 1000', exit_code: -1, interrupted: true },
      { seq: 3 },
    ]);
    expect(await exec('b', 'cat /dev/zero | tail')).toMatchObject({ exit_code: 137, oom: true });
  },
);

test('a sandbox whose ids another installation has after a reboot keeps its files under its own', async () => {
  expect(await create('mine')).toMatchObject({ status: 201 });
  expect(await exec('mine', 'echo mine > /root/me; touch /root/his; chown 1000 /root/his; sync')).toMatchObject({
    exit_code: 0,
  });
  const block = blockOf(installation);
  await reboot(installation, { forgetsRun: true });
  await using other = await Installation.start();
  expect(blockOf(other)).toBe(block);
  await installation.start();
  expect(blockOf(installation)).not.toBe(block);
  expect(await exec('mine', 'cat /root/me; stat -c %u /root/me /root/his')).toMatchObject({
    stdout: 'mine\n0\n1000\n',
  });
});

test('a sandbox in memory has lost its files with the memory, says so, and can be destroyed', async () => {
  await using inMemory = await Installation.start({ env: { SQUASH_UPPER: 'tmpfs' } });
  await inMemory.call('POST', SANDBOXES, { id: 'm', memory_mb: 96 });
  await reboot(inMemory, { forgetsRun: true });
  await inMemory.start();
  expect((await inMemory.call('GET', `${SANDBOXES}/m`)).body).toMatchObject({ state: 'failed' });
  const { status, body } = await inMemory.call('POST', `${SANDBOXES}/m/exec`, { cmd: 'true' });
  expect(status).toBeGreaterThanOrEqual(500);
  expect(body).toMatchObject({ error: expect.stringMatching(/writable layer/) });
  expect(await inMemory.call('DELETE', `${SANDBOXES}/m`)).toMatchObject({ status: 204 });
});
