import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Digest, SandboxLabel, UpperId } from '../../domain/ids.ts';
import {
  captureBody,
  cloneBody,
  decodeReply,
  EVENT_EXITED,
  encodeRequest,
  keyBody,
  killBody,
  listBody,
  OPERATIONS,
  type OperationName,
  parseCapture,
  publishBody,
  restackBody,
  startBody,
  upperMakeBody,
} from './broker-frames.ts';

const GIB = 1024 ** 3;
const label = '1112131415161718' as SandboxLabel;
const upper = 'a1a2a3a4a5a6a7a8' as UpperId;
const digest = Buffer.from(Array.from({ length: 32 }, (_, i) => 0x20 + i)).toString('hex') as Digest;
const topDigest = Buffer.from(Array.from({ length: 32 }, (_, i) => 0xc0 + i)).toString('hex') as Digest;

const VECTORS = new Map(
  readFileSync(new URL('../../../native/vectors/broker.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, Buffer] => {
      const [name = '', hex = ''] = line.split(': ');
      return [name, Buffer.from(hex, 'hex')];
    }),
);

/** `layerAttach` is `LAYER_ATTACH` on the page and in the vectors. */
function wireName(operation: OperationName): string {
  return operation.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function vector(name: string): Buffer {
  const bytes = VECTORS.get(name);
  if (bytes === undefined) throw new Error(`there is no ${name}`);
  return bytes;
}

const operations = Object.keys(OPERATIONS) as OperationName[];

test('the vectors hold a request and a reply of every operation, and the event', () => {
  const names = operations.flatMap((operation) => [wireName(operation), `${wireName(operation)}_REPLY`]);
  expect([...VECTORS.keys()].toSorted()).toEqual([...names, 'SANDBOX_EXITED'].toSorted());
  expect(VECTORS.size).toBe(39);
});

const none = Buffer.alloc(0);
const BODIES: Record<OperationName, () => Buffer> = {
  probe: () => none,
  publish: () => publishBody('build-7f', '010-nodejs24', { digest, replace: true, isStored: false, sidecarBytes: 321 }),
  layerAttach: () => keyBody(digest),
  layerDetach: () => keyBody(digest),
  layerVerify: () => keyBody(digest),
  layerRemove: () => keyBody(digest),
  upperMake: () => upperMakeBody(upper, { kind: 'disk', sparse: true, sizeBytes: 2 * GIB, reserveBytes: GIB }),
  upperAttach: () => keyBody(upper),
  upperDrop: () => keyBody(upper),
  upperStats: () => keyBody(upper),
  sandboxStart: () =>
    startBody({
      label,
      upper,
      hostname: 'box-1',
      limits: { memoryBytes: GIB / 2, cpuCount: 1.5, pidsMax: 256 },
      nesting: true,
      etc: 'fresh',
      layers: [topDigest, digest],
    }),
  sandboxStop: () => keyBody(label),
  killTree: () => killBody(label, 7),
  stats: () => keyBody(label),
  list: () => listBody('uppers', 3),
  ready: () => none,
  capture: () => captureBody(label, { upper, of: 'clone', layers: [digest], timeoutSeconds: 600 }),
  upperClone: () => cloneBody(label, upper, 'b1b2b3b4b5b6b7b8' as UpperId),
  restack: () => restackBody(label, { upper, layers: [topDigest, digest] }, { takeRoot: true }),
};

describe('what the daemon asks is the vector', () => {
  test.each(operations)('%s', (operation) => {
    const id = operation === 'ready' ? 0xffff_ffff : OPERATIONS[operation];
    expect(encodeRequest(operation, id, BODIES[operation]()).toString('hex')).toBe(
      vector(wireName(operation)).toString('hex'),
    );
  });
});

const REFUSED: Partial<Record<OperationName, { errno: number; step: number; text: string }>> = {
  layerDetach: { errno: 16, step: 9, text: 'in use' },
  upperMake: { errno: 28, step: 10, text: '12 MiB are free' },
};

describe('what the broker answers is read as the vector means it', () => {
  test.each(operations)('%s', (operation) => {
    const bytes = vector(`${wireName(operation)}_REPLY`);
    const payload = bytes.subarray(136);
    expect(decodeReply(bytes)).toEqual({
      length: bytes.length,
      reply: {
        operation: OPERATIONS[operation] | 0x8000,
        requestId: operation === 'ready' ? 0xffff_ffff : OPERATIONS[operation],
        ...(REFUSED[operation] ?? { errno: 0, step: 0, text: '' }),
        payload,
      },
    });
  });

  test('CAPTURE_REPLY, field by field', () => {
    expect(parseCapture(vector('CAPTURE_REPLY').subarray(136))).toEqual({
      digest,
      sizeBytes: 4096,
      pauseMs: 2.5,
      lost: { sockets: 1, accessLists: 2, subsecondTimes: 3, times: 4, attributes: 5 },
    });
  });

  test('SANDBOX_EXITED', () => {
    const { reply } = decodeReply(vector('SANDBOX_EXITED')) ?? {};
    expect(reply).toMatchObject({ operation: EVENT_EXITED, requestId: 0, errno: 0 });
    expect(reply?.payload.toString('hex', 0, 8)).toBe(label);
    expect(reply?.payload.readUInt32LE(8)).toBe(4242);
  });
});

test('decodeReply() waits for a frame to be whole', () => {
  const bytes = vector('STATS_REPLY');
  for (let length = 0; length < bytes.length; length++) expect(decodeReply(bytes.subarray(0, length))).toBeUndefined();
  expect(decodeReply(Buffer.concat([bytes, bytes]))?.length).toBe(bytes.length);
});

test.each([
  ['shorter than a reply can be', 0, 135],
  ['longer than a reply can be', 0, 65_537],
  ['of a length that wraps', 0, 0xffff_ffff],
  ['of another version', 4, 2],
])('decodeReply() refuses a frame %s', (_, offset, value) => {
  const bytes = Buffer.from(vector('STATS_REPLY'));
  if (offset === 0) bytes.writeUInt32LE(value, 0);
  else bytes.writeUInt16LE(value, offset);
  expect(() => decodeReply(bytes)).toThrow(RangeError);
});

test('a name that fills its field, or would hold more bytes than characters, is refused', () => {
  const options = { digest, replace: false, isStored: false, sidecarBytes: 1 };
  expect(publishBody('x'.repeat(127), 'y', options).length).toBe(304);
  expect(() => publishBody('x'.repeat(128), 'y', options)).toThrow(RangeError);
  expect(() => publishBody('é'.repeat(64), 'y', options)).toThrow(RangeError);
});

test('a fraction of a core is rounded up to a thousandth, never down to none', () => {
  const limits = { memoryBytes: GIB, pidsMax: 64, cpuCount: 0.0001 };
  const body = startBody({ label, upper, hostname: 'h', limits, nesting: false, etc: 'fresh', layers: [digest] });
  expect(body.readUInt32LE(96)).toBe(1);
});
