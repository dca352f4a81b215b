import { SandboxError } from '../../domain/errors.ts';

/** Frames of the agent's protocol (`native/PROTOCOL.md` §2). */
export const FRAME = {
  EXEC: 0x01,
  STDIN: 0x02,
  RESIZE: 0x03,
  SIGNAL: 0x04,
  PING: 0x05,
  FILE_READ: 0x10,
  FILE_WRITE: 0x11,
  TAR_WRITE: 0x12,
  DATA: 0x20,
  END: 0x21,
  STARTED: 0x81,
  STDOUT: 0x82,
  STDERR: 0x83,
  EXITED: 0x84,
  STDIN_TAKEN: 0x85,
  FILE_INFO: 0x90,
  OK: 0x9e,
  ERROR: 0x9f,
} as const;

export type FrameName = keyof typeof FRAME;
export type FrameType = (typeof FRAME)[FrameName];

export interface Frame {
  /** Any byte: whether it has a place is for the reader to say. */
  readonly type: number;
  /** A view of the bytes that arrived. */
  readonly payload: Buffer;
}

const VERSION = 1;
const HEADER_BYTES = 8;
export const PAYLOAD_MAX_BYTES = 65_536;
export const REQUEST_MAX_BYTES = 262_144;

/** A frame whose payload is `payloadBytes` long and still to be filled in, at the returned offset. */
export function allocateFrame(type: FrameType, payloadBytes: number): { frame: Buffer; offset: number } {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  frame.writeUInt32LE(payloadBytes, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt8(VERSION, 5);
  frame.writeUInt16LE(0, 6);
  return { frame, offset: HEADER_BYTES };
}

export function encodeFrame(type: FrameType, payload: Uint8Array = new Uint8Array()): Buffer {
  const { frame, offset } = allocateFrame(type, payload.length);
  frame.set(payload, offset);
  return frame;
}

/** Cuts a byte stream into frames. What it reads is hostile: no length is believed beyond `maxPayloadBytes`. */
export class FrameDecoder {
  readonly #maxPayloadBytes: number;
  #rest: Buffer | undefined;

  constructor(maxPayloadBytes = PAYLOAD_MAX_BYTES) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Whether the stream may end here. */
  get isBetweenFrames(): boolean {
    return this.#rest === undefined;
  }

  /**
   * The frames that are complete with this piece.
   * @throws AGENT_FAILED for a header that cannot be right; the stream is then lost
   */
  *push(piece: Buffer): Generator<Frame, void> {
    let bytes = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece]);
    this.#rest = undefined;
    while (bytes.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#payloadBytes(bytes);
      if (bytes.length < end) break;
      const frame = { type: bytes.readUInt8(4), payload: bytes.subarray(HEADER_BYTES, end) };
      bytes = bytes.subarray(end);
      yield frame;
    }
    if (bytes.length > 0) this.#rest = bytes;
  }

  #payloadBytes(header: Buffer): number {
    const length = header.readUInt32LE(0);
    if (header.readUInt8(5) !== VERSION || header.readUInt16LE(6) !== 0 || length > this.#maxPayloadBytes)
      throw new SandboxError('AGENT_FAILED', 'Cannot read from agent: it sent a frame that cannot be right');
    return length;
  }
}
