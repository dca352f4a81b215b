import { SandboxError } from '../../domain/errors.ts';
import type { ExecRequest } from '../runtime.ts';
import type { AgentFailure } from './replies.ts';

/** Errnos that say "not now": no process, memory or terminal was left in the sandbox. */
const NO_ROOM = new Set(['EAGAIN', 'ENOMEM', 'ENFILE', 'EMFILE', 'ENOSPC']);

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT']);
const NOBODYS_FAULT = new Set(['EIO', 'ENOMEM', 'EPROTO', 'ETIMEDOUT', 'ECONNRESET']);

const PATH_STATE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder',
  EACCES: 'is not accessible to its user',
};
const PROGRAM_STATE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'is not executable',
  ENOEXEC: 'is in no known format',
  E2BIG: 'was given too many words',
};

/** The user's error for an EXEC that the agent refused. */
export function execError(failure: AgentFailure, request: ExecRequest): SandboxError {
  const details = { errno: failure.errno, step: failure.step };
  const refuse = (what: string, state: string | undefined): SandboxError =>
    new SandboxError(
      'INVALID_ARGUMENT',
      `Cannot run command: ${what} ${state ?? `cannot be used (${failure.errno})`}`,
      { details },
    );
  if (failure.step === 'workdir') return refuse(`workdir "${request.workdir}"`, PATH_STATE[failure.errno]);
  if (failure.step === 'exec') return refuse(`program "${request.argv[0]}"`, PROGRAM_STATE[failure.errno]);
  if ((failure.step === 'spawn' || failure.step === 'pty') && NO_ROOM.has(failure.errno))
    return new SandboxError(
      'BUSY',
      `Cannot run command: the sandbox has no room for another process (${failure.errno})`,
      {
        details,
      },
    );
  return agentFailed('run command', failure);
}

/** The user's error for a file verb that the agent refused; `action` is "read", "write" or "unpack into". */
export function fileError(failure: AgentFailure, { action, path }: { action: string; path: string }): SandboxError {
  const details = { errno: failure.errno, step: failure.step };
  const object = `Cannot ${action} "${path}"`;
  if (NO_SPACE.has(failure.errno))
    return new SandboxError('NO_SPACE', `${object}: the writable layer is full`, {
      details,
      hint: 'Delete files in the sandbox',
    });
  if (failure.step === 'spawn' && NO_ROOM.has(failure.errno))
    return new SandboxError('BUSY', `${object}: the sandbox has no room for another process`, { details });
  if (NOBODYS_FAULT.has(failure.errno)) return agentFailed(`${action} "${path}"`, failure);
  // In a tar it is a member that is missing or in the way, and the message names it.
  if (failure.step === 'file' && failure.errno === 'ENOENT')
    return new SandboxError('FILE_NOT_FOUND', `not found: ${path}`, { details });
  const state = failure.step === 'file' && failure.errno === 'EISDIR' ? 'it is a folder' : failure.message;
  return new SandboxError('INVALID_ARGUMENT', `${object}: ${state}`, { details });
}

/** The error for what is nobody's fault but the agent's or the machine's. */
export function agentFailed(action: string, failure: AgentFailure): SandboxError {
  return new SandboxError('AGENT_FAILED', `Cannot ${action}: ${failure.message} (${failure.step}, ${failure.errno})`, {
    details: { errno: failure.errno, step: failure.step },
  });
}
