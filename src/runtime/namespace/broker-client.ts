import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '../../domain/errors.ts';
import { brokerError } from './broker-error.ts';
import { type BrokerReply, decodeReply, EVENT_EXITED, encodeRequest, type OperationName } from './broker-frames.ts';

const { EAGAIN, EBUSY } = constants.errno;

/** Another operation on the same object, or all workers, are busy: how long it is worth waiting for them. */
const BUSY_PATIENCE_MS = 10_000;

interface Waiting {
  readonly operation: OperationName;
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

class BusyError extends Error {
  readonly reply: BrokerReply;
  constructor(reply: BrokerReply) {
    super(reply.text);
    this.reply = reply;
  }
}

/** The daemon's one connection to the broker. Requests are pipelined; when it ends, every waiting and later one throws BROKER_GONE. */
export class BrokerClient {
  readonly lost: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onExited: (label: string) => void;
  #received: Buffer = Buffer.alloc(0);
  #lastId = 0;
  #isLost = false;

  constructor(socket: Socket, onExited: (label: string) => void) {
    this.#socket = socket;
    this.#onExited = onExited;
    this.lost = new Promise((resolve) => {
      socket.once('close', () => {
        this.#fail();
        resolve();
      });
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('data', (data) => this.#receive(data));
  }

  /** @throws BROKER_GONE, and what `brokerError` makes of a refusal */
  async request(operation: OperationName, body: Uint8Array): Promise<Buffer> {
    const patientUntil = Date.now() + BUSY_PATIENCE_MS;
    for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, 100)) {
      try {
        return await this.#send(operation, body);
      } catch (error) {
        if (!(error instanceof BusyError)) throw error;
        if (Date.now() > patientUntil) throw brokerError(operation, error.reply);
        await delay(pauseMs);
      }
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(operation: OperationName, body: Uint8Array): Promise<Buffer> {
    if (this.#isLost) return Promise.reject(gone());
    this.#lastId = (this.#lastId % 0xffff_fffe) + 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { operation, resolve, reject });
      this.#socket.write(encodeRequest(operation, id, body));
    });
  }

  #receive(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    try {
      for (let frame = decodeReply(this.#received); frame; frame = decodeReply(this.#received)) {
        this.#received = this.#received.subarray(frame.length);
        this.#settle(frame.reply);
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined);
    }
  }

  #settle(reply: BrokerReply): void {
    if (reply.operation === EVENT_EXITED) {
      this.#onExited(reply.payload.toString('hex', 0, 8));
      return;
    }
    const waiting = this.#waiting.get(reply.requestId);
    if (waiting === undefined) throw new RangeError(`Cannot place the broker's reply ${reply.requestId}: nobody asked`);
    this.#waiting.delete(reply.requestId);
    if (reply.errno === 0) waiting.resolve(reply.payload);
    else if (reply.errno === EBUSY || reply.errno === EAGAIN) waiting.reject(new BusyError(reply));
    else waiting.reject(brokerError(waiting.operation, reply));
  }

  #fail(): void {
    this.#isLost = true;
    for (const { reject } of this.#waiting.values()) reject(gone());
    this.#waiting.clear();
  }
}

function gone(): SandboxError {
  return new SandboxError('BROKER_GONE', 'Cannot reach squash-broker: it is gone');
}
