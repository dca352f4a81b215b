import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Digest, labelOf, newUpperId, parseSandboxId, type UpperId } from '../../../src/domain/ids.ts';
import {
  decodeReply,
  encodeRequest,
  keyBody,
  type OperationName,
  startBody,
  upperMakeBody,
} from '../../../src/runtime/namespace/broker-frames.ts';
import { fillBusyboxBase, publishFixture } from '../../support/fixture-layers.ts';
import { RelayedBroker } from '../../support/relayed-broker.ts';

type Request = readonly [OperationName, Uint8Array];

const MIB = 1024 * 1024;
const PATIENCE_MS = 20_000;
const DONE = 'done';
const BUSY = 'EBUSY';

let dataFolder: string;
let base: Digest;
let broker: RelayedBroker;
let connection: Socket;

/** Sends the requests in one go, as no daemon of ours does; what became of each. */
async function ask(...requests: readonly Request[]): Promise<string[]> {
  const answers = new Map<number, string>();
  connection.write(
    Buffer.concat(requests.map(([operation, body], index) => encodeRequest(operation, index + 1, body))),
  );
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  for (let received = Buffer.alloc(0); answers.size < requests.length; ) {
    const [data] = await once(connection, 'data', { signal: deadline });
    received = Buffer.concat([received, data]);
    for (let frame = decodeReply(received); frame; frame = decodeReply(received)) {
      const { requestId, errno, text } = frame.reply;
      answers.set(requestId, errno === 0 ? DONE : errno === constants.errno.EBUSY ? BUSY : `errno ${errno}: ${text}`);
      received = received.subarray(frame.length);
    }
  }
  return requests.map((_, index) => answers.get(index + 1) ?? '');
}

const make = (upper: UpperId): Request => [
  'upperMake',
  upperMakeBody(upper, { kind: 'tmpfs', sizeBytes: 16 * MIB, reserveBytes: 0, sparse: false }),
];
const drop = (upper: UpperId): Request => ['upperDrop', keyBody(upper)];
const measure = (upper: UpperId): Request => ['upperStats', keyBody(upper)];
const stop = (id: string): Request => ['sandboxStop', keyBody(labelOf(parseSandboxId(id)))];
const start = (id: string, upper: UpperId): Request => [
  'sandboxStart',
  startBody({
    label: labelOf(parseSandboxId(id)),
    hostname: id,
    layers: [base],
    upper,
    limits: { cpuCount: 1, memoryBytes: 64 * MIB, pidsMax: 16 },
    nesting: false,
    etc: 'fresh',
  }),
];

beforeEach(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), 'uppers-'));
  chmodSync(dataFolder, 0o711);
  base = publishFixture(dataFolder, '000-base-test', fillBusyboxBase);
  broker = await RelayedBroker.start(dataFolder);
  await broker.runtime.attachLayer(base);
  connection = await broker.connectRaw();
});
afterEach(async () => {
  connection.destroy();
  await broker.connect();
  await broker[Symbol.asyncDispose]();
  rmSync(dataFolder, { recursive: true });
});

test('an upper that a sandbox has is neither given to a second one nor removed, until the first one is gone', async () => {
  const [upper, other] = [newUpperId(), newUpperId()];
  expect(await ask(make(upper), make(other))).toEqual([DONE, DONE]);
  expect(await ask(start('first', upper))).toEqual([DONE]);
  expect(await ask(start('second', upper), drop(upper))).toEqual([BUSY, BUSY]);
  expect(await ask(measure(upper), start('second', other))).toEqual([DONE, DONE]);

  expect(await ask(stop('first'))).toEqual([DONE]);
  expect(await ask(start('third', upper))).toEqual([DONE]);
  expect(await ask(stop('third'))).toEqual([DONE]);
  expect(await ask(drop(upper), drop(other))).toEqual([DONE, BUSY]);
});

test('a sandbox has its upper while it is still being started', async () => {
  const upper = newUpperId();
  await ask(make(upper));
  expect(await ask(start('first', upper), start('second', upper), drop(upper))).toEqual([DONE, BUSY, BUSY]);
});

test('an upper that is being made or removed is given to no sandbox', async () => {
  const upper = newUpperId();
  expect(await ask(make(upper), start('early', upper))).toEqual([DONE, BUSY]);
  expect(await ask(drop(upper), start('late', upper))).toEqual([DONE, BUSY]);
  expect(await ask(start('late', upper))).toEqual([expect.stringContaining('errno')]);
});

test('a broker that takes over a sandbox knows its upper', async () => {
  const [upper, free] = [newUpperId(), newUpperId()];
  await ask(make(upper), make(free));
  expect(await ask(start('first', upper))).toEqual([DONE]);
  await broker.restart();
  connection = await broker.connectRaw();
  expect(await ask(measure(upper), start('second', upper), drop(upper), drop(free))).toEqual([DONE, BUSY, BUSY, DONE]);
  expect(await ask(stop('first'))).toEqual([DONE]);
  expect(await ask(drop(upper))).toEqual([DONE]);
});
