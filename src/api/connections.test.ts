import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSandboxIn, execResult, type MemoryApi, startMemoryApi } from '../../test/support/memory-api.ts';
import { RawHttp, sendBytes } from '../../test/support/raw-http.ts';
import { SandboxError } from '../domain/errors.ts';

const EXEC = '/cgi-bin/api/sandboxes/dev/exec';
const COMMAND = { method: 'POST', path: EXEC, body: '{"cmd":"true"}' };

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

test('a client that goes away during an exec aborts it', async () => {
  const aborted = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  api.sandboxes.exec = async (_id, _call, { signal }) => {
    signal.addEventListener('abort', () => aborted.resolve());
    started.resolve();
    await aborted.promise;
    return execResult();
  };
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write(`POST ${EXEC} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n{"cmd":"true"}`);
  await started.promise;
  socket.destroy();
  await expect(aborted.promise).resolves.toBeUndefined();
});

test('an exec that was answered is not aborted afterwards', async () => {
  let signal: AbortSignal | undefined;
  api.sandboxes.exec = async (_id, _call, options) => {
    signal = options.signal;
    return execResult();
  };
  expect((await http.call(COMMAND)).status).toBe(200);
  http[Symbol.dispose]();
  await api.app.close();
  expect(signal?.aborted).toBe(false);
});

test('an unknown fault is 500 with a request id, logged once with its cause, and tells nothing else', async () => {
  const cause = new TypeError('cannot read /data/state/secret');
  api.sandboxes.exec = () => Promise.reject(cause);
  const { status, text: body } = await http.call(COMMAND);
  expect(status).toBe(500);
  const id = /^\{"error":"internal error \(request ([0-9a-f]{12})\)"\}\n$/.exec(body)?.[1];
  expect(id).toBeDefined();
  expect(api.errors).toEqual([
    { message: 'internal error', fields: { requestId: id, err: expect.objectContaining({ cause }) } },
  ]);
});

test('a fault of ours keeps its text and gets a request id', async () => {
  api.sandboxes.exec = () => Promise.reject(new SandboxError('AGENT_FAILED', 'Cannot reach agent: it is gone'));
  const answer = await http.call(COMMAND);
  expect(answer.status).toBe(500);
  expect(answer.text).toMatch(/"Cannot reach agent: it is gone \(request [0-9a-f]{12}\)"/);
  expect(api.errors).toHaveLength(1);
});

test('an unavailable part is 503 and not logged as a fault', async () => {
  api.sandboxes.exec = () => Promise.reject(new SandboxError('BROKER_GONE', 'broker gone'));
  expect(await http.call(COMMAND)).toMatchObject({ status: 503, text: '{"error":"broker gone"}\n' });
  expect(api.errors).toEqual([]);
});

test('bytes that are no HTTP get 400 and the end of the connection', async () => {
  const answer = await sendBytes(api.url, 'what is this\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toMatch(/\r\n\r\n\{"error":"malformed request"\}\n$/);
});

test('bytes that are no HTTP after an answer end the connection without another', async () => {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write('GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  socket.write('what is this\r\n\r\n');
  await expect(text(socket)).resolves.toBe('');
});

test('a head over 16 KiB gets 431', async () => {
  const answer = await sendBytes(api.url, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(answer).toContain('{"error":"request head too large"}');
});

test('a request that smuggles a second length gets 400', async () => {
  const head = 'POST /cgi-bin/api/sandboxes HTTP/1.1\r\nHost: localhost\r\n';
  const both = `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
  expect(await sendBytes(api.url, both)).toMatch(/^HTTP\/1\.1 400 /);
});

test('requests sent at once are answered in their order', async () => {
  const get = (path: string, end = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${end}\r\n`;
  const answer = await sendBytes(api.url, `${get('/one')}${get('/two')}${get('/three', 'Connection: close\r\n')}`);
  expect(answer.match(/not found: \/\w+/g)).toEqual(['not found: /one', 'not found: /two', 'not found: /three']);
});

test('a body that waits to be asked for is asked for', async () => {
  const head = `POST ${EXEC} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n`;
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write(head);
  const [first] = await once(socket, 'data');
  expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('{"cmd":"true"}');
  const [second] = await once(socket, 'data');
  expect(String(second)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  socket.destroy();
});

test('a body that is too long is refused from its length alone', async () => {
  const head = `POST ${EXEC} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n`;
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write(`${head}\r\n`);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
  // One that waits to be asked for is not, and the connection ends: whether the client still sends it is unknown.
  const asking = await sendBytes(api.url, `${head}Expect: 100-continue\r\n\r\n`);
  expect(asking).toMatch(/^HTTP\/1\.1 413 [^\n]*\nconnection: close\r\n/);
});

test('an offer to speak another protocol is declined by answering', async () => {
  const offer = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
  expect((await http.call({ path: '/cgi-bin/health', headers: offer })).status).toBe(200);
});

test('close() ends idle connections at once and lets an answer under way finish', async () => {
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  api.sandboxes.exec = async () => {
    started.resolve();
    await finish.promise;
    return execResult({ stdout: 'done\n' });
  };
  using idle = new RawHttp(api.url);
  await idle.call({ path: '/cgi-bin/health' });
  const answer = http.call(COMMAND);
  await started.promise;
  const closed = api.app.close();
  finish.resolve();
  expect(JSON.parse((await answer).text)).toMatchObject({ stdout: 'done\n' });
  await closed;
  await expect(idle.call({ path: '/cgi-bin/health' })).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
});

test('close() aborts a command that would hold it up', async () => {
  const started = Promise.withResolvers<void>();
  api.sandboxes.exec = async (_id, _call, { signal }) => {
    started.resolve();
    await once(signal, 'abort');
    throw new SandboxError('SHUTTING_DOWN', 'the daemon stops');
  };
  const answer = http.call(COMMAND);
  await started.promise;
  await api.app.close();
  expect((await answer).status).toBe(503);
});
