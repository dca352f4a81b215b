import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import { Installation } from '../../support/installation.ts';
import { initPid } from '../../support/sandbox-on-host.ts';

const MIB = 1024 * 1024;
let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start({ env: { SQUASH_UPPER: 'tmpfs', SQUASH_UPPER_LIMIT_MB: '64' } });
});
afterAll(() => installation[Symbol.asyncDispose]());

const create = (id: string, memory_mb: number) =>
  installation.call('POST', '/cgi-bin/api/sandboxes', { id, memory_mb });

async function exec(id: string, cmd: string): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as ExecResult;
}

test('a writable layer in memory lives as one on disk does, and leaves no file', async () => {
  const created = await create('m', 512);
  expect(created).toMatchObject({ status: 201, body: { upper_limit_bytes: 64 * MIB } });
  const cmd = 'mkdir /root/d && echo x > /root/d/f && rm /bin/date && echo 1 >> /etc/group && ls /root/d; ls /bin/date';
  expect(await exec('m', cmd)).toMatchObject({ stdout: 'f\n', stderr: expect.stringContaining('/bin/date') });
  expect(readdirSync(join(installation.dataFolder, 'uppers'))).toEqual([]);
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/m')).toMatchObject({ status: 204 });
});

test('its files survive daemon, broker and PID 1, and are full at their size without the OOM killer', async () => {
  expect(await create('m', 512)).toMatchObject({ status: 201 });
  expect(await exec('m', 'echo kept > /root/file')).toMatchObject({ exit_code: 0 });
  const full = await exec('m', 'dd if=/dev/zero of=/root/big bs=1M count=100');
  expect(full).toMatchObject({ exit_code: 1, stderr: expect.stringContaining('No space left on device') });
  expect(full).not.toHaveProperty('oom');
  const { body } = await installation.call('GET', '/cgi-bin/api/sandboxes/m');
  expect((body as SandboxInfo).upper_bytes).toBeGreaterThan(60 * MIB);
  await exec('m', 'rm /root/big');

  installation.killDaemon();
  await installation.stop('SIGKILL');
  await installation.start();
  expect(await exec('m', 'cat /root/file')).toMatchObject({ stdout: 'kept\n' });

  process.kill(initPid(installation.runFolder, 'm'), 'SIGKILL');
  await expect
    .poll(async () => (await installation.call('GET', '/cgi-bin/api/sandboxes/m')).body)
    .toMatchObject({ state: 'stopped' });
  expect(await exec('m', 'cat /root/file')).toMatchObject({ stdout: 'kept\n' });
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/m')).toMatchObject({ status: 204 });
});

test('a sandbox of little memory gets a writable layer of half of it', async () => {
  expect(await create('small', 64)).toMatchObject({ status: 201, body: { upper_limit_bytes: 32 * MIB } });
  const full = await exec('small', 'dd if=/dev/zero of=/root/big bs=1M count=100');
  expect(full).toMatchObject({ exit_code: 1, stderr: expect.stringContaining('No space left on device') });
  expect(full).not.toHaveProperty('oom');
  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/small')).toMatchObject({ status: 204 });
});
