import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../../test/support/memory-api.ts';
import { RawHttp } from '../../../test/support/raw-http.ts';
import { SandboxError } from '../../domain/errors.ts';
import type { FileRead } from '../../runtime/runtime.ts';

const FILES = '/v1/sandboxes/dev/files?path=';

let api: MemoryApi;
let http: RawHttp;
beforeEach(async () => {
  api = await startMemoryApi();
  http = new RawHttp(api.url);
  await createSandboxIn(api, 'dev');
});
afterEach(async () => {
  http[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
});

const put = (path: string, body: string | Buffer, headers = {}) =>
  http.call({ method: 'PUT', path: `${FILES}${path}`, body, headers });

/** A file that promises so many bytes and gives these pieces; `ended` resolves when its reader lets go of it. */
function fakeRead(sizeBytes: number, pieces: readonly Buffer[]): FileRead & { readonly ended: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* content(): AsyncGenerator<Buffer> {
    try {
      yield* pieces;
    } finally {
      resolve();
    }
  }
  const info = { kind: 'file', mode: 0o600, uid: 0, gid: 0, sizeBytes, modifiedAt: new Date(0) } as const;
  return { info, content: content(), ended: promise };
}

test('bytes go in and come out as they are, with their mode', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  expect(await put('/tmp/a%20b&mode=750', bytes)).toMatchObject({ status: 204, text: '' });
  const { status, headers, text } = await http.call({ path: `${FILES}/tmp/a%20b`, encoding: 'latin1' });
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': '256',
    'squash-file-mode': '0750',
  });
  expect(Buffer.from(text, 'latin1')).toEqual(bytes);
});

test('a file without a mode gets 0644, and an empty body makes an empty file', async () => {
  await put('/tmp/empty', '');
  const { headers, text } = await http.call({ path: `${FILES}/tmp/empty` });
  expect(headers).toMatchObject({ 'squash-file-mode': '0644' });
  expect(text).toBe('');
});

test('a JSON file is bytes like any other', async () => {
  await put('/tmp/x.json', '{"half":', { 'content-type': 'application/json' });
  expect((await http.call({ path: `${FILES}/tmp/x.json` })).text).toBe('{"half":');
});

test('a body of more than a megabyte is taken and given whole', async () => {
  const bytes = Buffer.alloc(5 * 1024 * 1024, 'x');
  expect((await put('/tmp/big', bytes)).status).toBe(204);
  expect((await http.call({ path: `${FILES}/tmp/big` })).text).toHaveLength(bytes.length);
});

test('a folder comes as a tar, which unpacks elsewhere', async () => {
  await put('/tmp/one', 'first');
  const tar = await http.call({ path: `${FILES}/tmp`, encoding: 'latin1' });
  expect(tar.headers).toMatchObject({ 'content-type': 'application/x-tar', 'transfer-encoding': 'chunked' });
  const type = { 'content-type': 'Application/X-Tar; charset=binary' };
  expect((await put('/root', Buffer.from(tar.text, 'latin1'), type)).status).toBe(204);
  expect((await http.call({ path: `${FILES}/root/one` })).text).toBe('first');
});

test('an upload that breaks off leaves the old file', async () => {
  await put('/tmp/kept', 'old');
  const ended = Promise.withResolvers<unknown>();
  const write = api.sandboxes.writeFile.bind(api.sandboxes);
  api.sandboxes.writeFile = (...args) => write(...args).catch(ended.resolve);
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write(`PUT ${FILES}/tmp/kept HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nnew`);
  await once(socket, 'connect');
  socket.destroy();
  expect(await ended.promise).toMatchObject({ message: 'the upload broke off' });
  expect((await http.call({ path: `${FILES}/tmp/kept` })).text).toBe('old');
});

test('an upload that is refused in its middle is answered, and the connection goes on', async () => {
  api.sandboxes.writeFile = async (_id, _path, content) => {
    for await (const piece of content) if (piece.length > 0) break;
    throw new SandboxError('NO_SPACE', 'Cannot write "/tmp/x": the writable layer is full');
  };
  const refused = await put('/tmp/x', Buffer.alloc(3 * 1024 * 1024));
  expect(refused.status).toBe(503);
  const next = await http.call({ path: '/cgi-bin/health' });
  expect(next).toMatchObject({ status: 200, localPort: refused.localPort });
});

test.each([
  ['after some bytes', [Buffer.from('12345')]],
  ['at once', []],
])('a file that is shorter than it said %s breaks the connection or is an error', async (_, pieces) => {
  api.sandboxes.readFile = async () => fakeRead(10, pieces);
  const answer = await http.call({ path: `${FILES}/tmp/x` }).catch((error: Error) => error.message);
  expect(answer).toEqual(
    pieces.length > 0
      ? expect.stringMatching(/aborted|ECONNRESET|hang up/)
      : expect.objectContaining({ status: 500, text: expect.stringContaining('internal error (request ') }),
  );
});

test('a file that grows while it is read is cut at the length that was promised', async () => {
  const read = fakeRead(3, [Buffer.from('12345'), Buffer.from('678')]);
  api.sandboxes.readFile = async () => read;
  expect(await http.call({ path: `${FILES}/tmp/x` })).toMatchObject({ status: 200, text: '123' });
  await read.ended;
});

test('a file that says it is empty is read to its end all the same', async () => {
  api.sandboxes.readFile = async () => fakeRead(0, [Buffer.from('MemTotal')]);
  expect(await http.call({ path: `${FILES}/proc/meminfo` })).toMatchObject({ status: 200, text: 'MemTotal' });
});

test('a file that fails at its first byte is answered with the error', async () => {
  const read = fakeRead(3, []);
  const failing = { next: () => Promise.reject(new Error('input/output error')) };
  api.sandboxes.readFile = async () => ({ ...read, content: { [Symbol.asyncIterator]: () => failing } });
  expect((await http.call({ path: `${FILES}/tmp/x` })).status).toBe(500);
});

test('a client that stops reading stops the reading of the file', async () => {
  const piece = Buffer.alloc(65_536);
  const read = fakeRead(
    Number.MAX_SAFE_INTEGER,
    Array.from({ length: 100_000 }, () => piece),
  );
  api.sandboxes.readFile = async () => read;
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write(`GET ${FILES}/tmp/x HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(socket, 'data');
  socket.destroy();
  await expect(read.ended).resolves.toBeUndefined();
});
