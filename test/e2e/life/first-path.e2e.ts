import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation[Symbol.asyncDispose]());

const exec = (id: string, cmd: string) => installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd });

test('a sandbox outlives its daemon and its broker, and leaves nothing when it is destroyed', async () => {
  const created = await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'thin', memory_mb: 64 });
  expect(created).toMatchObject({ status: 201, body: { id: 'thin', state: 'running', network: 'none' } });
  expect(await exec('thin', 'id -u; echo kept > /root/file')).toMatchObject({ body: { stdout: '0\n', exit_code: 0 } });

  const served = installation.waitForDaemon();
  installation.killDaemon();
  await served;
  expect(await exec('thin', 'cat /root/file')).toMatchObject({ body: { stdout: 'kept\n', seq: 2 } });

  installation.killDaemon();
  await installation.stop('SIGKILL');
  await installation.start();
  expect(await exec('thin', 'cat /root/file')).toMatchObject({ body: { stdout: 'kept\n', seq: 3 } });

  expect(await installation.call('DELETE', '/cgi-bin/api/sandboxes/thin')).toMatchObject({ status: 204 });
  expect(await installation.call('GET', '/cgi-bin/api/sandboxes')).toMatchObject({ body: [] });
});
