import { SandboxError } from '../../domain/errors.ts';
import type { ExecRequest } from '../runtime.ts';
import { allocateFrame, encodeFrame, FRAME, PAYLOAD_MAX_BYTES, REQUEST_MAX_BYTES } from './frames.ts';

const FLAG_PTY = 1;
const FLAG_STDIN = 2;
/** Fixed part of the EXEC payload. */
const EXEC_HEAD_BYTES = 36;
const COUNT_MAX = 0xffff;
const KILL_TREE = 0xffff_ffff;
/** In a TAR_WRITE: every member keeps the owner that the tar names. */
const AS_IN_THE_TAR = 0xffff_ffff;
// PATH_MAX of limits.h counts the final NUL.
const PATH_MAX_BYTES = 4095;

/**
 * `openFiles` 0: as many as the machine was given.
 * @throws INVALID_ARGUMENT when the words and the environment do not fit into a request
 */
export function encodeExec(request: ExecRequest, { openFiles = 0 } = {}): Buffer {
  const env = Object.entries(request.env).map(([name, value]) => `${name}=${value}`);
  const strings = [request.workdir, ...request.argv, ...env];
  if (strings.some((each) => each.includes('\0')))
    throw new SandboxError('INVALID_ARGUMENT', 'Cannot run command: a word of it holds a NUL');
  const stringBytes = strings.reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0);
  const payloadBytes = EXEC_HEAD_BYTES + 4 * request.groups.length + stringBytes;
  if (payloadBytes > REQUEST_MAX_BYTES || request.argv.length > COUNT_MAX || env.length > COUNT_MAX)
    throw new SandboxError(
      'INVALID_ARGUMENT',
      `Cannot run command: its words and environment are longer than ${REQUEST_MAX_BYTES} bytes`,
    );
  const { frame, offset } = allocateFrame(FRAME.EXEC, payloadBytes);
  let at = frame.writeUInt32LE((request.pty ? FLAG_PTY : 0) | (request.stdin ? FLAG_STDIN : 0), offset);
  at = frame.writeUInt32LE(request.uid, at);
  at = frame.writeUInt32LE(request.gid, at);
  at = frame.writeUInt16LE(request.pty?.rows ?? 0, at);
  at = frame.writeUInt16LE(request.pty?.columns ?? 0, at);
  at = frame.writeBigUInt64LE(BigInt(request.forwardLimitBytes), at);
  at = frame.writeUInt32LE(openFiles, at);
  at = frame.writeUInt16LE(request.groups.length, at);
  at = frame.writeUInt16LE(request.argv.length, at);
  at = frame.writeUInt16LE(env.length, at);
  at = frame.writeUInt16LE(0, at);
  for (const group of request.groups) at = frame.writeUInt32LE(group, at);
  for (const each of strings) {
    at += frame.write(each, at);
    at = frame.writeUInt8(0, at);
  }
  return frame;
}

/** At most PAYLOAD_MAX_BYTES; none end the input. */
export function encodeStdin(data: Uint8Array): Buffer {
  return encodeFrame(FRAME.STDIN, data);
}

export function encodeResize(size: { readonly rows: number; readonly columns: number }): Buffer {
  const { frame, offset } = allocateFrame(FRAME.RESIZE, 4);
  frame.writeUInt16LE(size.rows, offset);
  frame.writeUInt16LE(size.columns, offset + 2);
  return frame;
}

export function encodeSignal(signal: number): Buffer {
  const { frame, offset } = allocateFrame(FRAME.SIGNAL, 4);
  frame.writeUInt32LE(signal, offset);
  return frame;
}

export function encodeKillTree(): Buffer {
  return encodeSignal(KILL_TREE);
}

/** @throws INVALID_ARGUMENT */
export function encodeFileRead(path: string): Buffer {
  return encodeFrame(FRAME.FILE_READ, encodePath(path));
}

/** @throws INVALID_ARGUMENT */
export function encodeFileWrite(
  path: string,
  owner: { readonly mode: number; readonly uid: number; readonly gid: number },
): Buffer {
  const head = Buffer.allocUnsafe(12);
  head.writeUInt32LE(owner.mode & 0o7777, 0);
  head.writeUInt32LE(owner.uid, 4);
  head.writeUInt32LE(owner.gid, 8);
  return encodeFrame(FRAME.FILE_WRITE, Buffer.concat([head, encodePath(path)]));
}

/** Members keep their owners. @throws INVALID_ARGUMENT */
export function encodeTarWrite(path: string): Buffer {
  const head = Buffer.allocUnsafe(8);
  head.writeUInt32LE(AS_IN_THE_TAR, 0);
  head.writeUInt32LE(AS_IN_THE_TAR, 4);
  return encodeFrame(FRAME.TAR_WRITE, Buffer.concat([head, encodePath(path)]));
}

/** DATA frames for a piece of any length. */
export function* encodeData(data: Uint8Array): Generator<Buffer, void> {
  for (let at = 0; at < data.length; at += PAYLOAD_MAX_BYTES)
    yield encodeFrame(FRAME.DATA, data.subarray(at, at + PAYLOAD_MAX_BYTES));
}

function encodePath(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (!path.startsWith('/') || path.includes('\0') || bytes.length > PATH_MAX_BYTES)
    throw new SandboxError(
      'INVALID_ARGUMENT',
      `invalid path "${path.slice(0, 200)}": an absolute path of at most ${PATH_MAX_BYTES} bytes`,
    );
  return bytes;
}
