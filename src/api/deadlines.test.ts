import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createSandboxIn, type MemoryApi, startMemoryApi } from '../../test/support/memory-api.ts';

// Time stands still but for what a test lets pass; sockets are real.
let api: MemoryApi;
beforeEach(async () => {
  api = await startMemoryApi();
  await createSandboxIn(api, 'dev');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await api[Symbol.asyncDispose]();
});

async function send(head: string, body: string): Promise<Socket> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.write(`${head} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n${body}`);
  await once(socket, 'connect');
  return socket;
}

test('a client that answers a refusal by going on to trickle is cut off after 5 s', async () => {
  const socket = await send('POST /nowhere', 'x');
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 404 /);
  vi.advanceTimersByTime(4_999);
  socket.write('x');
  vi.advanceTimersByTime(1);
  // The byte that nobody read makes the end a reset.
  await expect(once(socket, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a JSON body that does not arrive within 30 s is answered', async () => {
  const reading = Promise.withResolvers<void>();
  api.app.server.once('request', (request) => request.once('data', reading.resolve));
  const socket = await send('POST /cgi-bin/api/sandboxes', '{');
  await reading.promise;
  vi.advanceTimersByTime(30_000);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
  expect(String(answer)).toContain('{"error":"the body did not arrive within 30 s"}');
  vi.advanceTimersByTime(5_000);
  await expect(text(socket)).resolves.toBe('');
});

test('an exec socket whose first message does not come within 10 s is closed', async () => {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/v1/sandboxes/dev/exec`);
  await once(socket, 'open');
  vi.advanceTimersByTime(10_000);
  const [code] = await once(socket, 'close');
  expect(code).toBe(1008);
});
