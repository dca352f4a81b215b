import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../support/installation.ts';
import { run } from '../support/run.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
  await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'core', memory_mb: 64 });
});
afterAll(() => installation[Symbol.asyncDispose]());

// With a limit of 0, as with any other than 1, a crash inside starts the program of the host's core_pattern, as root of the host.
const LOWER = 'ulimit -c 0 && grep "core file" /proc/self/limits';

test('the core limit stays at 1, whatever is asked for, and whoever asks hears of no refusal', async () => {
  expect(run(['sh', '-c', LOWER]).stdout).toMatch(/ 0 +0 /);
  const { body } = await installation.call('POST', '/cgi-bin/api/sandboxes/core/exec', { cmd: LOWER });
  expect(body).toMatchObject({ exit_code: 0, stdout: expect.stringMatching(/ 1 +1 /), stderr: '' });
});

test('other limits can be lowered, and all can be read', async () => {
  const cmd = 'ulimit -n 100 && ulimit -n && ulimit -c';
  const { body } = await installation.call('POST', '/cgi-bin/api/sandboxes/core/exec', { cmd });
  expect(body).toMatchObject({ exit_code: 0, stdout: '100\n0\n', stderr: '' });
});
