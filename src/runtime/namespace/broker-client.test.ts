import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BrokerClient } from './broker-client.ts';
import { keyBody, OPERATIONS } from './broker-frames.ts';

const { EBUSY, ENOENT } = constants.errno;
const none = Buffer.alloc(0);

interface Request {
  readonly operation: number;
  readonly id: number;
  readonly body: Buffer;
}

interface Answer {
  readonly operation?: number;
  readonly id: number;
  readonly errno?: number;
  readonly payload?: Buffer;
}

function frame({ operation = OPERATIONS.stats | 0x8000, id, errno = 0, payload = none }: Answer): Buffer {
  const bytes = Buffer.alloc(136);
  bytes.writeUInt32LE(136 + payload.length, 0);
  bytes.writeUInt16LE(1, 4);
  bytes.writeUInt16LE(operation, 6);
  bytes.writeUInt32LE(id, 8);
  bytes.writeUInt32LE(errno, 16);
  return Buffer.concat([bytes, payload]);
}

let server: Server;
let client: BrokerClient;
/** The broker's end. */
let broker: Socket;
let exited: string[];
let requests: AsyncGenerator<Request, void>;

async function* readRequests(socket: Socket): AsyncGenerator<Request, void> {
  let bytes = Buffer.alloc(0);
  for await (const data of socket) {
    bytes = Buffer.concat([bytes, data]);
    while (bytes.length >= 16 && bytes.length >= bytes.readUInt32LE(0)) {
      const length = bytes.readUInt32LE(0);
      yield { operation: bytes.readUInt16LE(6), id: bytes.readUInt32LE(8), body: bytes.subarray(16, length) };
      bytes = bytes.subarray(length);
    }
  }
}

async function nextRequest(): Promise<Request> {
  const { value } = await requests.next();
  if (value === undefined) throw new Error('the client asked nothing');
  return value;
}

beforeEach(async () => {
  exited = [];
  const path = join(tmpdir(), `squash-broker-${randomUUID()}`);
  server = createServer().listen(path);
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const socket = new Socket();
  client = new BrokerClient(socket, (label) => exited.push(label));
  socket.connect(path);
  [broker] = await connected;
  requests = readRequests(broker);
});

afterEach(async () => {
  client.close();
  broker.destroy();
  server.close();
  await once(server, 'close');
});

describe('answers', () => {
  test('come in any order, each to its question', async () => {
    const first = client.request('stats', none);
    const second = client.request('list', none);
    const [a, b] = [await nextRequest(), await nextRequest()];
    expect([a.operation, b.operation]).toEqual([OPERATIONS.stats, OPERATIONS.list]);
    broker.write(frame({ id: b.id, payload: Buffer.from('second') }));
    broker.write(frame({ id: a.id, payload: Buffer.from('first') }));
    expect(String(await second)).toBe('second');
    expect(String(await first)).toBe('first');
  });

  test('are put together from pieces of any size, and taken from a heap', async () => {
    const asked = [client.request('stats', none), client.request('stats', none)];
    const ids = [(await nextRequest()).id, (await nextRequest()).id];
    const bytes = Buffer.concat(ids.map((id) => frame({ id, payload: Buffer.from(`to ${id}`) })));
    broker.setNoDelay(true);
    for (const byte of bytes.subarray(0, 150)) {
      broker.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    broker.write(bytes.subarray(150));
    expect((await Promise.all(asked)).map(String)).toEqual(ids.map((id) => `to ${id}`));
  });

  test('that refuse reject with what they say', async () => {
    const asked = client.request('layerAttach', none);
    broker.write(frame({ id: (await nextRequest()).id, errno: ENOENT }));
    await expect(asked).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' });
  });
});

describe('EBUSY', () => {
  test('is asked again, with a new id and the same body, until it is done', async () => {
    const body = keyBody('a1a2a3a4a5a6a7a8' as never);
    const asked = client.request('upperDrop', body);
    const seen: Request[] = [];
    for (const errno of [EBUSY, constants.errno.EAGAIN, 0]) {
      const request = await nextRequest();
      seen.push(request);
      broker.write(frame({ id: request.id, errno }));
    }
    await asked;
    expect(new Set(seen.map(({ id }) => id)).size).toBe(3);
    for (const request of seen) expect(request).toMatchObject({ operation: OPERATIONS.upperDrop, body });
  });

  test('is waited for no longer than the broker lives', async () => {
    const asked = client.request('upperDrop', none);
    broker.write(frame({ id: (await nextRequest()).id, errno: EBUSY }));
    broker.end();
    await expect(asked).rejects.toMatchObject({ code: 'BROKER_GONE' });
  });
});

test('an event reaches whoever listens, and settles nothing', async () => {
  const asked = client.request('stats', none);
  const { id } = await nextRequest();
  broker.write(frame({ operation: 0xc001, id: 0, payload: Buffer.from('11121314151617180000000000000000', 'hex') }));
  broker.write(frame({ id }));
  await asked;
  expect(exited).toEqual(['1112131415161718']);
});

describe('a connection that is gone', () => {
  test('fails what waits, and what comes after', async () => {
    const asked = [client.request('stats', none), client.request('list', none)];
    await nextRequest();
    broker.destroy();
    for (const request of asked) await expect(request).rejects.toMatchObject({ code: 'BROKER_GONE' });
    await client.lost;
    await expect(client.request('probe', none)).rejects.toMatchObject({ code: 'BROKER_GONE' });
  });

  test.each([
    ['a reply that nobody asked for', frame({ id: 77 })],
    ['a reply of another version', Buffer.concat([Buffer.from([136, 0, 0, 0, 2, 0]), Buffer.alloc(130)])],
    ['a length that cannot be', Buffer.alloc(16)],
  ])('is what is made of one that says %s', async (_, bytes) => {
    const asked = client.request('stats', none);
    await nextRequest();
    broker.write(bytes);
    await expect(asked).rejects.toMatchObject({ code: 'BROKER_GONE' });
    await client.lost;
  });
});
