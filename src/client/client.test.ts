import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeProcess } from '../../test/support/fake-process.ts';
import { execResult, MEMORY_LAYERS, type MemoryApi, startMemoryApi } from '../../test/support/memory-api.ts';
import { STDIN_WINDOW_BYTES } from '../api/v1/exec-wire.ts';
import { SandboxError } from '../domain/errors.ts';
import { SquashClient } from './client.ts';

const TOKEN = 'a-token-of-some-length';
const LAYERS = [...MEMORY_LAYERS];

let api: MemoryApi;
let client: SquashClient;
beforeEach(async () => {
  api = await startMemoryApi({ authToken: TOKEN });
  client = new SquashClient({ baseUrl: `${api.url}/`, token: TOKEN });
});
afterEach(async () => {
  client[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
});

async function* pieces(...parts: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

test('every call of the seed surface reaches its route', async () => {
  expect(await client.health()).toMatchObject({ status: 'ok', modules: 2 });
  expect((await client.modules()).map(({ name }) => name)).toEqual(LAYERS);
  expect(await client.create({ id: 'dev', layers: LAYERS, cpu: 0.5 })).toMatchObject({ id: 'dev', cpu: 0.5 });
  expect(await client.list()).toHaveLength(1);
  expect(await client.info('dev')).toMatchObject({ id: 'dev' });
  expect(await client.exec('dev', { cmd: 'echo hi' })).toMatchObject({ exit_code: 0, stdout: 'hi\n' });
  expect(await client.logs('dev')).toMatchObject([{ seq: 1, cmd: 'echo hi' }]);
  await client.destroy('dev');
  expect(await client.list()).toEqual([]);
});

test('what the daemon answers is thrown with its code and hint', async () => {
  await expect(client.info('nobody')).rejects.toMatchObject({
    code: 'SANDBOX_NOT_FOUND',
    message: 'not found: nobody',
    hint: 'squash list shows the sandboxes of this host',
  });
  await expect(client.create({ id: '-' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('an id cannot reach another route', async () => {
  await expect(client.info('../modules')).rejects.toMatchObject({ message: 'not found: ../modules' });
  await expect(client.info('dev?x=1')).rejects.toMatchObject({ message: 'not found: dev?x=1' });
});

test('a wrong token is told', async () => {
  using stranger = new SquashClient({ baseUrl: api.url, token: 'another' });
  await expect(stranger.list()).rejects.toMatchObject({ code: 'TOKEN_INVALID', message: 'unauthorized' });
  await expect(stranger.spawn('dev', { argv: ['true'] }, { onOutput: () => {} })).rejects.toMatchObject({
    code: 'TOKEN_INVALID',
  });
});

test('a daemon that is not there is told in one line', async () => {
  await api.app.close();
  const refused = { code: 'DAEMON_UNREACHABLE', message: `Cannot reach squashd at ${api.url}: connection refused` };
  await expect(client.list()).rejects.toMatchObject(refused);
  await expect(client.spawn('dev', { argv: ['true'] }, { onOutput: () => {} })).rejects.toMatchObject(refused);
});

test('a server that is no daemon is told', async () => {
  const other = createServer((request, response) => {
    response.statusCode = request.url === '/cgi-bin/health' ? 200 : 502;
    response.end('<html>');
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  using stranger = new SquashClient({ baseUrl: `http://127.0.0.1:${port}`, token: '' });
  await expect(stranger.health()).rejects.toMatchObject({ message: expect.stringMatching(/it is not JSON$/) });
  await expect(stranger.list()).rejects.toMatchObject({ message: 'the server answered 502' });
  other.close();
});

test('aborting an exec takes the command down', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  const started = Promise.withResolvers<AbortSignal>();
  api.sandboxes.exec = async (_id, _call, { signal }) => {
    started.resolve(signal);
    await once(signal, 'abort');
    return execResult();
  };
  const abort = new AbortController();
  const running = client.exec('dev', { cmd: 'sleep 1000' }, { signal: abort.signal });
  const signal = await started.promise;
  abort.abort(new Error('interrupted'));
  await expect(running).rejects.toThrow('interrupted');
  if (!signal.aborted) await once(signal, 'abort');
});

test('files and folders go in and come out', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  await client.writeFile('dev', '/tmp/a+b&c', pieces('one ', 'two'), { mode: 0o755 });
  const file = await client.readFile('dev', '/tmp/a+b&c');
  expect(file).toMatchObject({ kind: 'file', mode: 0o755, sizeBytes: 7 });
  expect(await text(file.content)).toBe('one two');
  const folder = await client.readFile('dev', '/tmp');
  expect(folder.kind).toBe('folder');
  await client.writeTar('dev', '/root', pieces(await buffer(folder.content)));
  expect(await text((await client.readFile('dev', '/root/a+b&c')).content)).toBe('one two');
  await expect(client.readFile('dev', '/no/such')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
});

test('an upload that is refused in its middle stops, with the reason', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  api.sandboxes.writeFile = async (_id, _path, content) => {
    for await (const piece of content) if (piece.length > 0) break;
    throw new SandboxError('NO_SPACE', 'Cannot write "/tmp/x": the writable layer is full');
  };
  const stopped = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield Buffer.alloc(65_536);
    } finally {
      stopped.resolve();
    }
  }
  await expect(client.writeFile('dev', '/tmp/x', endless())).rejects.toMatchObject({ code: 'NO_SPACE' });
  await stopped.promise;
});

test('an upload whose source fails rejects with that, and leaves the old file', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  await client.writeFile('dev', '/tmp/x', pieces('old'));
  const ended = Promise.withResolvers<unknown>();
  const write = api.sandboxes.writeFile.bind(api.sandboxes);
  const begun = Promise.withResolvers<void>();
  api.sandboxes.writeFile = (...args) => {
    begun.resolve();
    return write(...args).catch(ended.resolve);
  };
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('new');
    await begun.promise;
    throw new Error('disk read error');
  }
  await expect(client.writeFile('dev', '/tmp/x', broken())).rejects.toThrow('disk read error');
  expect(await ended.promise).toMatchObject({ message: 'the upload broke off' });
  expect(await text((await client.readFile('dev', '/tmp/x')).content)).toBe('old');
});

test('a live command takes input of any size, hands its output over and ends', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  const input = Buffer.alloc(4 * STDIN_WINDOW_BYTES + 7, 'abc');
  const output: Buffer[] = [];
  const onOutput = async (_: string, data: Buffer) => {
    await new Promise(setImmediate);
    output.push(data);
  };
  using process = await client.spawn('dev', { argv: ['cat'], stdin: true }, { onOutput });
  await process.write(input);
  process.end();
  expect(await process.exited).toEqual({ exitCode: 0, signal: 0 });
  expect(Buffer.concat(output).equals(input)).toBe(true);
});

test('a live command can be signalled', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  using process = await client.spawn('dev', { argv: ['sleep', '1000'] }, { onOutput: () => {} });
  process.signal(15);
  expect(await process.exited).toEqual({ exitCode: 143, signal: 15 });
});

test('a live command that cannot start rejects with the reason', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  const spawning = client.spawn('dev', { argv: ['no-such-program'] }, { onOutput: () => {} });
  await expect(spawning).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('input that the command does not take waits, and a lost daemon ends the wait', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  const command = Promise.withResolvers<FakeProcess>();
  api.sandboxes.spawn = async (_id, request, options) => {
    const fake = new FakeProcess(request, options);
    fake.taking = Promise.withResolvers<void>().promise;
    command.resolve(fake);
    return fake;
  };
  using process = await client.spawn('dev', { argv: ['cat'], stdin: true }, { onOutput: () => {} });
  const writing = process.write(Buffer.alloc(STDIN_WINDOW_BYTES + 1));
  await api.app.close();
  await expect(writing).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
  await expect(process.exited).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
  await (await command.promise).disposed;
});

test('output that cannot be handed over ends the command', async () => {
  await client.create({ id: 'dev', layers: LAYERS });
  const onOutput = () => {
    throw new Error('stdout is closed');
  };
  using process = await client.spawn('dev', { argv: ['echo', 'x'] }, { onOutput });
  await expect(process.exited).rejects.toThrow('stdout is closed');
});
