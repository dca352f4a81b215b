import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeProcess } from '../../support/fake-process.ts';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../support/memory-api.ts';
import { run } from '../../support/run.ts';
import { runOnTerminal, whenShown } from './terminal.ts';

let api: MemoryApi;
beforeAll(async () => {
  api = await startMemoryApi();
  await createSandboxIn(api, 'dev');
});
afterAll(() => api[Symbol.asyncDispose]());

const onTerminal = (line: string) => runOnTerminal(line, api.url);

function steer(): Promise<FakeProcess> {
  const spawned = Promise.withResolvers<FakeProcess>();
  api.sandboxes.spawn = async (_id, request, options) => {
    const process = new FakeProcess(request, options);
    spawned.resolve(process);
    return process;
  };
  return spawned.promise;
}

test.each([
  ['its shell ends', 0],
  ['its connection is lost', 1],
])('shell gives a raw terminal and gives it back when %s', async (_how, exitCode) => {
  const started = steer();
  const child = onTerminal('stty rows 30 columns 100; stty -a; $SQUASH shell dev; code=$?; stty -a; exit $code');
  const output = text(child.stdout);
  const shown = whenShown(child, 'ready');
  const remote = await started;
  expect(remote.request).toMatchObject({ pty: { rows: 30, columns: 100 }, env: { TERM: 'xterm' }, stdin: true });
  remote.put('stdout', Buffer.from('ready'));
  await shown;
  // Ctrl-C is a key like any other now.
  const typed = Promise.withResolvers<string>();
  remote.write = async (data) => typed.resolve(Buffer.from(data).toString('hex'));
  child.stdin.write('\x03');
  expect(await typed.promise).toBe('03');
  if (exitCode === 0) remote.exit(0);
  else remote.lose(new Error('lost'));
  child.stdin.end();
  expect((await once(child, 'close'))[0]).toBe(exitCode);
  const [before, after] = (await output).split('ready');
  expect(before).toContain(' icanon ');
  expect(after?.slice(after.indexOf('speed'))).toBe(before);
});

test('shell follows the size of the terminal', async () => {
  const started = steer();
  const resized = Promise.withResolvers<object>();
  const child = onTerminal('stty rows 30 columns 100; exec $SQUASH shell dev');
  const shown = whenShown(child, 'ready');
  const remote = await started;
  // stty sets rows and columns one after the other, and each is told.
  remote.resize = (size) => {
    if (size.columns === 120) resized.resolve(size);
  };
  remote.put('stdout', Buffer.from('ready'));
  await shown;
  // The terminal is what script(1) gave to the program that it started.
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  const { status } = run(['stty', '-F', `/proc/${children.trim()}/fd/0`, 'rows', '40', 'columns', '120']);
  expect(status).toBe(0);
  expect(await resized.promise).toMatchObject({ rows: 40, columns: 120 });
  remote.exit(0);
  child.stdin.end();
  await once(child, 'close');
});

test('tables have colours on a terminal, and none with NO_COLOR', async () => {
  const shown = (line: string) => {
    const child = onTerminal(line);
    child.stdin.end();
    return text(child.stdout);
  };
  expect(await shown('$SQUASH info nobody')).toContain('\x1b[31msquash:\x1b[0m');
  expect(await shown('NO_COLOR=1 $SQUASH info nobody')).not.toContain('\x1b[31m');
});
