import { getSystemErrorName } from 'node:util';
import { SandboxError } from '../../domain/errors.ts';
import type { ExitReport, FileInfo } from '../runtime.ts';

/** Process ids of the kernel are below this: PID_MAX_LIMIT, linux/threads.h. */
const PID_LIMIT = 4 * 1024 * 1024;
const SIGNAL_MAX = 64;
const EXIT_CODE_MAX = 255;
const ERRNO_MAX = 4095;
const ERROR_MESSAGE_MAX_BYTES = 400;
const TREE_NOT_EMPTY = 1;

const STEPS = ['none', 'request', 'workdir', 'spawn', 'exec', 'file', 'tar', 'pty'] as const;
export type AgentStep = (typeof STEPS)[number];

/** What ERROR says. */
export interface AgentFailure {
  /** Name of the errno, as ENOENT. */
  readonly errno: string;
  readonly step: AgentStep;
  readonly message: string;
}

// What follows reads claims of a hostile program: each number is bounded, and every payload has exactly its length.

/** @throws AGENT_FAILED */
export function parseStarted(payload: Buffer): { supervisorPid: number; commandPid: number } {
  expectLength(payload, 8, 'STARTED');
  return {
    supervisorPid: bounded(payload.readUInt32LE(0), { min: 1, max: PID_LIMIT }),
    commandPid: bounded(payload.readUInt32LE(4), { min: 1, max: PID_LIMIT }),
  };
}

/** @throws AGENT_FAILED */
export function parseExited(payload: Buffer): ExitReport {
  expectLength(payload, 56, 'EXITED');
  return {
    exitCode: bounded(payload.readUInt32LE(0), { max: EXIT_CODE_MAX }),
    signal: bounded(payload.readUInt32LE(4), { max: SIGNAL_MAX }),
    strangerKills: payload.readUInt32LE(8),
    treeEmpty: (payload.readUInt32LE(12) & TREE_NOT_EMPTY) === 0,
    stdoutBytes: readCount(payload, 16),
    stderrBytes: readCount(payload, 24),
  };
}

/** Bytes of input taken since the start of the command. @throws AGENT_FAILED */
export function parseStdinTaken(payload: Buffer): number {
  expectLength(payload, 8, 'STDIN_TAKEN');
  return readCount(payload, 0);
}

/** @throws AGENT_FAILED */
export function parseFileInfo(payload: Buffer): FileInfo {
  expectLength(payload, 32, 'FILE_INFO');
  return {
    kind: bounded(payload.readUInt32LE(0), { min: 1, max: 2 }) === 1 ? 'file' : 'folder',
    mode: bounded(payload.readUInt32LE(4), { max: 0o7777 }),
    uid: payload.readUInt32LE(8),
    gid: payload.readUInt32LE(12),
    sizeBytes: readCount(payload, 16),
    modifiedAt: dateOf(payload.readBigInt64LE(24)),
  };
}

/** @throws AGENT_FAILED */
export function parseError(payload: Buffer): AgentFailure {
  if (payload.length < 8 || payload.length > 8 + ERROR_MESSAGE_MAX_BYTES) throw claimRefused('ERROR');
  return {
    errno: getSystemErrorName(-bounded(payload.readUInt32LE(0), { min: 1, max: ERRNO_MAX })),
    step: STEPS[payload.readUInt32LE(4)] ?? 'none',
    message: payload.toString('utf8', 8),
  };
}

/** The error for an agent that breaks the protocol. */
export function claimRefused(what: string): SandboxError {
  return new SandboxError('AGENT_FAILED', `Cannot read from agent: it sent ${what} that cannot be right`);
}

function expectLength(payload: Buffer, length: number, what: string): void {
  if (payload.length !== length) throw claimRefused(what);
}

function bounded(value: number, { min = 0, max }: { min?: number; max: number }): number {
  if (value < min || value > max) throw claimRefused('a number');
  return value;
}

function readCount(payload: Buffer, offset: number): number {
  const value = payload.readBigUInt64LE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw claimRefused('a number');
  return Number(value);
}

/** ECMAScript's Date reaches 8.64e15 ms either way; file systems claim more. */
function dateOf(seconds: bigint): Date {
  const limit = 8_640_000_000_000n;
  return new Date(Number(seconds > limit ? limit : seconds < -limit ? -limit : seconds) * 1000);
}
