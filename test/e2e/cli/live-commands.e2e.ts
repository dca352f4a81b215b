import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ExecRequest } from '../../../src/runtime/runtime.ts';
import { FakeProcess } from '../../support/fake-process.ts';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../support/memory-api.ts';
import { runCliProcess, startCli } from './squash-process.ts';

let api: MemoryApi;
let spawned: PromiseWithResolvers<FakeProcess>;
let spawn: MemoryApi['sandboxes']['spawn'];

beforeAll(async () => {
  api = await startMemoryApi();
  await createSandboxIn(api, 'dev');
  spawn = api.sandboxes.spawn;
});
beforeEach(() => {
  api.sandboxes.spawn = spawn;
});
afterAll(() => api[Symbol.asyncDispose]());

/** From now on commands do what the test says. */
function steer(): Promise<FakeProcess> {
  spawned = Promise.withResolvers();
  api.sandboxes.spawn = async (_id, request, options) => {
    const process = new FakeProcess(request, options);
    spawned.resolve(process);
    return process;
  };
  return spawned.promise;
}

const squash = (...words: string[]) => runCliProcess(api.url, words);

test('exec gives output and exit code of the command', async () => {
  expect(await squash('exec', 'dev', 'echo out; echo err >&2; exit 7')).toEqual({
    exitCode: 7,
    stdout: 'out\n',
    stderr: 'err\n',
  });
});

test.each([
  [['echo hi; echo $NAME'], ['/bin/sh', '-c', 'echo hi; echo $NAME']],
  [
    ['echo', 'a  b', '$HOME', '--json'],
    ['echo', 'a  b', '$HOME', '--json'],
  ],
  [
    ['--', '--odd', '-x'],
    ['--odd', '-x'],
  ],
  [
    ['-w', '/tmp', '-e', 'NAME=x y', 'env'],
    ['/bin/sh', '-c', 'env'],
  ],
])('exec dev %j passes the words as they are', async (words, argv) => {
  const started = steer();
  const done = squash('exec', 'dev', ...words);
  const process = await started;
  process.exit(0);
  expect((await done).exitCode).toBe(0);
  expect(process.request.argv).toEqual(argv);
  if (words[0] === '-w') expect(process.request).toMatchObject({ workdir: '/tmp', env: { NAME: 'x y' } });
});

test('exec shows output as it comes', async () => {
  const started = steer();
  const child = startCli(api.url, ['exec', 'dev', 'x']);
  const process = await started;
  process.put('stdout', Buffer.from('first\n'));
  expect(String((await once(child.stdout, 'data'))[0])).toBe('first\n');
  process.put('stderr', Buffer.from('second\n'));
  expect(String((await once(child.stderr, 'data'))[0])).toBe('second\n');
  process.exit(3);
  expect((await once(child, 'exit'))[0]).toBe(3);
});

test('exec -i passes stdin on to its end; without -i the command has none', async () => {
  const input = Buffer.alloc(700_000, 'x');
  const piped = await runCliProcess(api.url, ['exec', '-i', 'dev', 'cat'], { input });
  expect({ exitCode: piped.exitCode, bytes: piped.stdout.length }).toEqual({ exitCode: 0, bytes: input.length });
  expect((await runCliProcess(api.url, ['exec', 'dev', 'cat'], { input: 'x' })).stdout).toBe('');
});

test('exec --json records the command over the API, and a program keeps its words', async () => {
  const { exitCode, stdout } = await squash('exec', '--json', '--workdir', '/tmp', 'dev', 'echo', 'a  b', '$HOME');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ cmd: "echo 'a  b' '$HOME'", stdout: 'a  b $HOME\n', workdir: '/tmp' });
});

test('Ctrl-C goes to the command; a second one ends it with its tree', async () => {
  const started = steer();
  const child = startCli(api.url, ['exec', 'dev', 'x']);
  const process = await started;
  const signalled = Promise.withResolvers<number>();
  process.signal = signalled.resolve;
  process.put('stdout', Buffer.from('ready'));
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  expect(await signalled.promise).toBe(2);
  child.kill('SIGINT');
  expect((await once(child, 'exit'))[0]).toBe(130);
  await process.disposed;
});

test.each(['SIGTERM', 'SIGKILL'] as const)('a CLI that %s ends takes the command with it', async (signal) => {
  const started = steer();
  const child = startCli(api.url, ['exec', 'dev', 'x']);
  const process = await started;
  process.put('stdout', Buffer.from('ready'));
  await once(child.stdout, 'data');
  child.kill(signal);
  const [exitCode, endedBy] = await once(child, 'exit');
  expect(exitCode ?? endedBy).toBe(signal === 'SIGTERM' ? 143 : 'SIGKILL');
  await process.disposed;
});

test('exec --timeout ends the command with its tree: exit code 124', async () => {
  const started = steer();
  const done = squash('exec', '--timeout', '0.2', 'dev', 'x');
  await (await started).disposed;
  expect((await done).exitCode).toBe(124);
});

test('a command whose daemon goes away is an error', async () => {
  const started = steer();
  const done = squash('exec', 'dev', 'x');
  (await started).lose(new Error('gone'));
  const { exitCode, stderr } = await done;
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^squash: /);
});

test('exec -t asks for a terminal of the usual size when the caller has none', async () => {
  const started = steer();
  const done = runCliProcess(api.url, ['exec', '-t', 'dev', 'x'], { env: { TERM: 'vt100' } });
  const process = await started;
  process.exit(0);
  expect((await done).exitCode).toBe(0);
  expect(process.request satisfies ExecRequest).toMatchObject({
    pty: { rows: 24, columns: 80 },
    env: { TERM: 'vt100' },
  });
});
