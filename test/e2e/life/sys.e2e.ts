import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation[Symbol.asyncDispose]());

test('/sys tells how many processors there are, nothing else, and takes no write', async () => {
  await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'sys', memory_mb: 64 });
  const exec = (cmd: string) => installation.call('POST', '/cgi-bin/api/sandboxes/sys/exec', { cmd });
  expect(await exec('cat /sys/devices/system/cpu/online')).toMatchObject({
    body: { exit_code: 0, stdout: expect.stringMatching(/^\d[\d,-]*\n$/) },
  });
  expect(await exec('find /sys -not -path "/sys/devices/system/cpu/*" -not -type d')).toMatchObject({
    body: { exit_code: 0, stdout: '', stderr: '' },
  });
  expect(await exec('mkdir /sys/x')).toMatchObject({ body: { stderr: expect.stringContaining('Read-only') } });
});
