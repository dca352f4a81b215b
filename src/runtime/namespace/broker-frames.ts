/** Frames of the broker's protocol, version 1 (`native/PROTOCOL.md` §1). Pure: bytes in, bytes out. */
import type { Digest, SandboxLabel, UpperId } from '../../domain/ids.ts';
import type { UpperKind } from '../../domain/upper-kind.ts';
import type {
  Capture,
  CaptureOptions,
  MachineSpec,
  PublishOptions,
  RestackOptions,
  Stack,
  UpperOptions,
} from '../runtime.ts';

const VERSION = 1;
const HEADER_BYTES = 16;
const OUTCOME_BYTES = 120;
/** A reply is never longer: the broker's own bound. */
const REPLY_MAX_BYTES = 65_536;
export const EVENT_EXITED = 0xc001;

export const OPERATIONS = {
  probe: 1,
  publish: 2,
  layerAttach: 3,
  layerDetach: 4,
  layerVerify: 5,
  layerRemove: 6,
  upperMake: 7,
  upperAttach: 8,
  upperDrop: 9,
  upperStats: 10,
  sandboxStart: 11,
  sandboxStop: 12,
  killTree: 13,
  stats: 14,
  list: 15,
  ready: 16,
  restack: 17,
  capture: 18,
  upperClone: 19,
} as const;

export type OperationName = keyof typeof OPERATIONS;

/** A whole request frame. */
export function encodeRequest(operation: OperationName, requestId: number, body: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + body.length);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeUInt16LE(VERSION, 4);
  frame.writeUInt16LE(OPERATIONS[operation], 6);
  frame.writeUInt32LE(requestId, 8);
  frame.set(body, HEADER_BYTES);
  return frame;
}

export interface BrokerReply {
  readonly operation: number;
  readonly requestId: number;
  /** 0 = done. */
  readonly errno: number;
  readonly step: number;
  readonly text: string;
  readonly payload: Buffer;
}

/**
 * Takes one frame off the start of `bytes`.
 * @returns undefined when it is not whole yet
 * @throws RangeError when it cannot be a reply
 */
export function decodeReply(bytes: Buffer): { reply: BrokerReply; length: number } | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const length = bytes.readUInt32LE(0);
  if (length < HEADER_BYTES + OUTCOME_BYTES || length > REPLY_MAX_BYTES || bytes.readUInt16LE(4) !== VERSION)
    throw new RangeError(`Cannot read the broker's reply: a frame of ${length} bytes`);
  if (bytes.length < length) return undefined;
  const text = bytes.subarray(HEADER_BYTES + 8, HEADER_BYTES + OUTCOME_BYTES);
  const end = text.indexOf(0);
  const reply = {
    operation: bytes.readUInt16LE(6),
    requestId: bytes.readUInt32LE(8),
    errno: bytes.readUInt32LE(HEADER_BYTES),
    step: bytes.readUInt32LE(HEADER_BYTES + 4),
    text: text.toString('utf8', 0, end < 0 ? text.length : end),
    payload: Buffer.from(bytes.subarray(HEADER_BYTES + OUTCOME_BYTES, length)),
  };
  return { reply, length };
}

/** NUL-terminated and NUL-padded to its full width. */
function name(value: string, width: number): Buffer {
  const field = Buffer.alloc(width);
  if (field.write(value) >= width || value.length >= width)
    throw new RangeError(`Cannot encode a name of ${value.length} characters in a field of ${width}`);
  return field;
}

function numbers(size: 4 | 8, ...values: (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(size * values.length);
  values.forEach((value, i) => {
    if (size === 4) bytes.writeUInt32LE(Number(value), 4 * i);
    else bytes.writeBigUInt64LE(BigInt(value), 8 * i);
  });
  return bytes;
}

/** A digest, a label or the name of an upper: all are hex. */
export function keyBody(key: Digest | SandboxLabel | UpperId): Buffer {
  return Buffer.from(key, 'hex');
}

export function publishBody(
  staged: string,
  layer: string,
  options: PublishOptions & { readonly sidecarBytes: number },
): Buffer {
  return Buffer.concat([
    name(staged, 128),
    name(layer, 136),
    keyBody(options.digest),
    numbers(4, (options.replace ? 1 : 0) | (options.isStored ? 2 : 0), options.sidecarBytes),
  ]);
}

const UPPER_KINDS: Record<UpperKind, number> = { disk: 1, tmpfs: 2, btrfs: 3 };

export function upperMakeBody(upper: UpperId, options: UpperOptions): Buffer {
  return Buffer.concat([
    keyBody(upper),
    numbers(4, UPPER_KINDS[options.kind], options.sparse ? 1 : 0),
    numbers(8, options.sizeBytes, options.reserveBytes),
  ]);
}

export function startBody(spec: MachineSpec): Buffer {
  const { limits } = spec;
  return Buffer.concat([
    keyBody(spec.label),
    keyBody(spec.upper),
    name(spec.hostname, 72),
    numbers(8, limits.memoryBytes),
    numbers(4, Math.ceil(limits.cpuCount * 1000), limits.pidsMax, startFlags(spec), spec.layers.length),
    ...spec.layers.map(keyBody),
  ]);
}

const ETC_FLAGS: Record<MachineSpec['etc'], number> = { fresh: 0, keep: 2, write: 4 };

function startFlags({ nesting, etc }: MachineSpec): number {
  return (nesting ? 1 : 0) | ETC_FLAGS[etc];
}

export function restackBody(label: SandboxLabel, stack: Stack, options: RestackOptions = {}): Buffer {
  return Buffer.concat([
    keyBody(label),
    keyBody(stack.upper),
    numbers(4, stack.layers.length, options.takeRoot === true ? 1 : 0),
    ...stack.layers.map(keyBody),
  ]);
}

const CAPTURE_FLAGS: Record<CaptureOptions['of'], number> = { upper: 0, clone: 1, layers: 2 };

export function captureBody(label: SandboxLabel, options: CaptureOptions): Buffer {
  return Buffer.concat([
    keyBody(label),
    keyBody(options.upper),
    numbers(4, options.timeoutSeconds, CAPTURE_FLAGS[options.of], options.layers.length, 0),
    ...options.layers.map(keyBody),
  ]);
}

export function parseCapture(payload: Buffer): Capture {
  const number = (index: number): number => Number(payload.readBigUInt64LE(32 + 8 * index));
  return {
    digest: payload.toString('hex', 0, 32) as Digest,
    sizeBytes: number(0),
    pauseMs: number(1) / 1000,
    lost: {
      sockets: number(2),
      accessLists: number(3),
      subsecondTimes: number(4),
      times: number(5),
      attributes: number(6),
    },
  };
}

export function cloneBody(label: SandboxLabel, from: UpperId, to: UpperId): Buffer {
  return Buffer.concat([label, from, to].map(keyBody));
}

/** No process has this pid. */
const UNKNOWN_SUPERVISOR = 0xffff_ffff;

export function killBody(label: SandboxLabel, supervisorPid: number | undefined): Buffer {
  return Buffer.concat([keyBody(label), numbers(4, supervisorPid ?? UNKNOWN_SUPERVISOR, 0)]);
}

export const LIST_KINDS = { sandboxes: 1, uppers: 2, layers: 3 } as const;

export function listBody(kind: keyof typeof LIST_KINDS, after: number): Buffer {
  return numbers(4, LIST_KINDS[kind], after);
}
