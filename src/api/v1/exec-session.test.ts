import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { FakeProcess } from '../../../test/support/fake-process.ts';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../../test/support/memory-api.ts';
import { SandboxError } from '../../domain/errors.ts';
import { packStream, STDIN_WINDOW_BYTES } from './exec-wire.ts';

const START = { argv: ['cat'], stdin: true };

let api: MemoryApi;
let process: Promise<FakeProcess>;
beforeEach(async () => {
  api = await startMemoryApi();
  await createSandboxIn(api, 'dev');
  const spawned = Promise.withResolvers<FakeProcess>();
  process = spawned.promise;
  api.sandboxes.spawn = async (_id, request, options) => {
    const fake = new FakeProcess(request, options);
    spawned.resolve(fake);
    return fake;
  };
});
afterEach(() => api[Symbol.asyncDispose]());

/** A client that keeps every message: JSON as it is, output as `stream:text`. */
class Client {
  readonly socket: WebSocket;
  readonly messages: unknown[] = [];
  readonly closed: Promise<number>;

  constructor() {
    this.socket = new WebSocket(`${api.url.replace('http', 'ws')}/v1/sandboxes/dev/exec`);
    this.socket.on('message', (data: Buffer, isBinary) => {
      this.messages.push(isBinary ? `${data[0]}:${data.subarray(1)}` : JSON.parse(String(data)));
    });
    const { promise, resolve } = Promise.withResolvers<number>();
    this.socket.once('close', resolve);
    this.closed = promise;
  }

  async start(message: object): Promise<void> {
    await once(this.socket, 'open');
    this.socket.send(JSON.stringify(message));
    await once(this.socket, 'message');
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }
}

test('output of both streams and the exit code arrive in order, then the socket closes', async () => {
  const client = new Client();
  await client.start({ argv: ['make'], env: { CI: '1' }, workdir: '/tmp', user: { uid: 1000, gid: 100 } });
  const command = await process;
  expect(command.request).toEqual({
    argv: ['make'],
    env: { CI: '1' },
    workdir: '/tmp',
    uid: 1000,
    gid: 100,
    groups: [],
    stdin: false,
    forwardLimitBytes: 0,
  });
  command.put('stdout', Buffer.from('one'));
  command.put('stderr', Buffer.from('two'));
  command.exit(130, 2);
  expect(await client.closed).toBe(1000);
  expect(client.messages).toEqual([{ type: 'started' }, '1:one', '2:two', { type: 'exit', exitCode: 130, signal: 2 }]);
  await command.disposed;
});

test('output that comes with the start is told after it', async () => {
  const spawn = api.sandboxes.spawn;
  api.sandboxes.spawn = async (id, request, options) => {
    options.onOutput('stdout', Buffer.from('first words'));
    return spawn(id, request, options);
  };
  const client = new Client();
  await client.start({ argv: ['quick'] });
  (await process).exit(0);
  await client.closed;
  expect(client.messages).toEqual([{ type: 'started' }, '1:first words', { type: 'exit', exitCode: 0, signal: 0 }]);
});

test('a terminal is asked for with its size, and resized', async () => {
  const client = new Client();
  await client.start({ argv: ['sh'], pty: { rows: 24, columns: 80 }, stdin: true });
  const command = await process;
  expect(command.request).toMatchObject({ pty: { rows: 24, columns: 80 }, stdin: true });
  client.send({ type: 'resize', rows: 50, columns: 200 });
  client.socket.send(packStream('stdin', Buffer.from('x')));
  await once(client.socket, 'message');
  expect(command.log).toEqual(['resize 50x200', 'write 1']);
  client.socket.terminate();
});

test('a signal overtakes input that the command does not take', async () => {
  const client = new Client();
  await client.start(START);
  const command = await process;
  const taking = Promise.withResolvers<void>();
  command.taking = taking.promise;
  client.socket.send(packStream('stdin', Buffer.alloc(100_000)));
  client.send({ type: 'eof' });
  client.send({ type: 'signal', signal: 2 });
  client.socket.ping();
  await once(client.socket, 'pong');
  expect(command.log).toEqual(['signal 2']);
  taking.resolve();
  await once(client.socket, 'message');
  expect(client.messages).toEqual([{ type: 'started' }, { type: 'window', bytes: 100_000 }]);
  expect(command.log).toEqual(['signal 2', 'write 100000', 'write 0']);
  client.socket.terminate();
});

test('when the client goes, the command is disposed of', async () => {
  const client = new Client();
  await client.start(START);
  client.socket.terminate();
  await expect((await process).disposed).resolves.toBeUndefined();
});

test('when the client goes before the command has started, it is disposed of as soon as it has', async () => {
  const spawning = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { spawn } = api.sandboxes;
  api.sandboxes.spawn = async (id, request, options) => {
    asked.resolve();
    await spawning.promise;
    return spawn(id, request, options);
  };
  const client = new Client();
  await once(client.socket, 'open');
  client.send(START);
  await asked.promise;
  client.socket.terminate();
  await client.closed;
  spawning.resolve();
  await expect((await process).disposed).resolves.toBeUndefined();
});

test('a client that does not read holds the command up, and lets it go on when it reads', async () => {
  const client = new Client();
  await client.start(START);
  const command = await process;
  const paused = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  command.onPause = paused.resolve;
  command.onResume = resumed.resolve;
  client.socket.pause();
  const piece = Buffer.alloc(65_536);
  let sentBytes = 0;
  while (!command.log.includes('pause')) {
    command.put('stdout', piece);
    sentBytes += piece.length;
    // The kernel's socket buffers come on top of ours.
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
    await new Promise(setImmediate);
  }
  client.socket.resume();
  await resumed.promise;
  expect(command.log).toEqual(['pause', 'resume']);
  client.socket.terminate();
});

test('a command that does not start is told, and the socket closes', async () => {
  api.sandboxes.spawn = () => Promise.reject(new SandboxError('INVALID_ARGUMENT', 'Cannot run "x": not found'));
  const client = new Client();
  await client.start({ argv: ['x'] });
  expect(await client.closed).toBe(1008);
  expect(client.messages).toEqual([{ type: 'error', error: 'Cannot run "x": not found', code: 'INVALID_ARGUMENT' }]);
});

test('a command that is lost is told with a request id', async () => {
  const client = new Client();
  await client.start(START);
  (await process).lose(new SandboxError('AGENT_FAILED', 'Cannot follow command: the agent is gone'));
  expect(await client.closed).toBe(1011);
  expect(client.messages.at(-1)).toEqual({
    type: 'error',
    error: expect.stringMatching(/^Cannot follow command: the agent is gone \(request [0-9a-f]{12}\)$/),
    code: 'AGENT_FAILED',
  });
  expect(api.errors).toHaveLength(1);
});

test.each([
  ['no JSON', 'argv', 'malformed JSON'],
  ['no argv', '{}', 'argv required'],
  ['an empty argv', '{"argv":[]}', /^invalid argv/],
  ['an argv with NUL', '{"argv":["a\\u0000b"]}', /^invalid argv/],
  ['a relative workdir', '{"argv":["a"],"workdir":"tmp"}', /^invalid workdir/],
  ['an env with = in a name', '{"argv":["a"],"env":{"A=B":"c"}}', /^invalid env/],
  ['an env with a number', '{"argv":["a"],"env":{"A":1}}', /^invalid env/],
  ['a terminal of no size', '{"argv":["a"],"pty":{"rows":24}}', 'pty.columns required'],
  ['a terminal of size 0', '{"argv":["a"],"pty":{"rows":0,"columns":1}}', /^invalid pty.rows/],
  ['user -1', '{"argv":["a"],"user":{"uid":4294967295}}', /^invalid user.uid/],
  ['an unknown field', '{"argv":["a"],"tty":true}', 'unknown field: tty'],
  ['an array', '[]', 'not a JSON object'],
])('a first message with %s is refused', async (_, message, error) => {
  const client = new Client();
  await once(client.socket, 'open');
  client.socket.send(message);
  expect(await client.closed).toBe(1008);
  expect(client.messages).toEqual([{ type: 'error', error: expect.stringMatching(error), code: 'INVALID_ARGUMENT' }]);
});

test.each([
  ['an unknown type', '{"type":"pause"}', /^invalid type/],
  ['signal 0', '{"type":"signal","signal":0}', /^invalid signal/],
  ['another stream', Buffer.from([1, 65]), 'invalid stream: 1'],
  ['an empty binary message', Buffer.alloc(0), 'invalid stream: undefined'],
])('a later message with %s ends the command', async (_, message, error) => {
  const client = new Client();
  await client.start(START);
  client.socket.send(message);
  expect(await client.closed).toBe(1008);
  expect(client.messages.at(-1)).toEqual({
    type: 'error',
    error: expect.stringMatching(error),
    code: 'INVALID_ARGUMENT',
  });
  await expect((await process).disposed).resolves.toBeUndefined();
});

test('stdin beyond the window ends the command', async () => {
  const client = new Client();
  await client.start(START);
  (await process).taking = Promise.withResolvers<void>().promise;
  client.socket.send(packStream('stdin', Buffer.alloc(STDIN_WINDOW_BYTES)));
  client.socket.send(packStream('stdin', Buffer.alloc(1)));
  expect(await client.closed).toBe(1008);
  await expect((await process).disposed).resolves.toBeUndefined();
});

test('stdin of a command that has none ends it', async () => {
  const client = new Client();
  await client.start({ argv: ['true'] });
  client.socket.send(packStream('stdin', Buffer.from('x')));
  expect(await client.closed).toBe(1008);
  expect(client.messages.at(-1)).toMatchObject({ error: 'stdin is not open' });
});

test('stdin after its end ends the command', async () => {
  const client = new Client();
  await client.start(START);
  client.send({ type: 'eof' });
  client.socket.send(packStream('stdin', Buffer.from('x')));
  expect(await client.closed).toBe(1008);
  expect(client.messages.at(-1)).toMatchObject({ error: 'stdin is not open' });
});

test('a message over 1 MiB ends the command', async () => {
  const client = new Client();
  await client.start(START);
  client.socket.send(Buffer.alloc(1024 * 1024 + 1));
  expect(await client.closed).toBe(1009);
  await expect((await process).disposed).resolves.toBeUndefined();
});

test.each([
  ['/v1/sandboxes/nobody/exec', {}, 404],
  ['/v1/sandboxes/%2e%2e/exec', {}, 404],
  ['/v1/sandboxes/%zz/exec', {}, 400],
  ['/v1/sandboxes/dev/run', {}, 404],
  ['/cgi-bin/api/sandboxes', {}, 200],
  ['/v1/sandboxes/dev/exec', { origin: 'https://evil.example' }, 403],
  ['/v1/sandboxes/dev/exec', { 'sec-fetch-site': 'cross-site' }, 403],
  ['/v1/sandboxes/dev/exec', { host: 'evil.example' }, 403],
])('an upgrade of %s with %o is answered %i over HTTP', async (path, headers, status) => {
  const [error] = await once(new WebSocket(`${api.url.replace('http', 'ws')}${path}`, { headers }), 'error');
  expect(error.message).toBe(`Unexpected server response: ${status}`);
});

test('an upgrade without the token is 401 before any look at what exists', async () => {
  await using guarded = await startMemoryApi({ authToken: 'a-token' });
  const url = `${guarded.url.replace('http', 'ws')}/v1/sandboxes/nobody/exec`;
  const [refused] = await once(new WebSocket(url), 'error');
  expect(refused.message).toBe('Unexpected server response: 401');
  const [unknown] = await once(new WebSocket(url, { headers: { authorization: 'Bearer a-token' } }), 'error');
  expect(unknown.message).toBe('Unexpected server response: 404');
});

test('a client that breaks off in the middle of an upgrade harms nobody', async () => {
  const asked = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<void>();
  const { info } = api.sandboxes;
  api.sandboxes.info = async (id) => {
    asked.resolve();
    await broken.promise;
    return info.call(api.sandboxes, id);
  };
  const arrived = once(api.app.server, 'upgrade');
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  socket.write(`GET /v1/sandboxes/dev/exec HTTP/1.1\r\nHost: localhost\r\n${upgrade}${key}\r\n`);
  await asked.promise;
  const [, ours] = await arrived;
  socket.resetAndDestroy();
  // Not events.once(), which listens for the error that an API without a listener would die of.
  await new Promise((resolve) => ours.once('close', resolve));
  broken.resolve();
  const client = new Client();
  await client.start(START);
  expect(client.messages).toEqual([{ type: 'started' }]);
  client.socket.terminate();
});

test('a client that breaks the rules and answers nothing more loses its command at once', async () => {
  const client = new Client();
  await client.start(START);
  client.socket.pause();
  client.send({ type: 'dance' });
  await expect((await process).disposed).resolves.toBeUndefined();
  client.socket.terminate();
});

test('closing the server closes the socket and disposes of the command', async () => {
  const client = new Client();
  await client.start(START);
  await api.app.close();
  expect(await client.closed).toBe(1001);
  await expect((await process).disposed).resolves.toBeUndefined();
});
