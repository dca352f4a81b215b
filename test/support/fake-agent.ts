import { type Duplex, duplexPair } from 'node:stream';
import type { ConnectAgent } from '../../src/runtime/agent/connection.ts';
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FrameType,
  REQUEST_MAX_BYTES,
} from '../../src/runtime/agent/frames.ts';

/** The other end of a connection to an agent: the test says every frame itself. */
export class FakeAgent {
  readonly connect: ConnectAgent;
  readonly received: Frame[] = [];
  /** Whether the client has ended the connection. */
  isLeft = false;
  readonly #stream: Duplex;

  constructor() {
    const [client, agent] = duplexPair();
    this.#stream = agent;
    this.connect = () => client;
    const decoder = new FrameDecoder(REQUEST_MAX_BYTES);
    agent.on('data', (piece: Buffer) => this.received.push(...decoder.push(piece)));
    client.on('close', () => {
      this.isLeft = true;
    });
  }

  say(type: FrameType, payload?: Uint8Array): void {
    this.#stream.write(encodeFrame(type, payload));
  }

  sayBytes(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  leave(): void {
    this.#stream.end();
  }

  /** Lets everything that was said arrive. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 4; turns++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Numbers as the protocol writes them: 4 bytes each, 8 for a bigint. */
export function numbers(...values: (number | bigint)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(typeof value === 'bigint' ? 8 : 4);
      if (typeof value === 'bigint') bytes.writeBigUInt64LE(value);
      else bytes.writeUInt32LE(value);
      return bytes;
    }),
  );
}
