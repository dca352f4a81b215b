import { SandboxError } from '../domain/errors.ts';

// PATH_MAX, linux/limits.h, without the NUL.
const MAX_PATH_BYTES = 4095;

/**
 * A path of a file in a sandbox: absolute, as the sandbox names it. `..` is left as it is: the agent resolves it in the sandbox's own root,
 * where it leads nowhere else.
 *
 * @throws INVALID_ARGUMENT
 */
export function checkSandboxPath(path: string): string {
  if (!path.startsWith('/')) throw invalid(path, 'it must be absolute');
  if (path.includes('\0')) throw invalid(path, 'it holds a NUL');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw invalid(path, `it is longer than ${MAX_PATH_BYTES} bytes`);
  return path;
}

function invalid(path: string, reason: string): SandboxError {
  return new SandboxError('INVALID_ARGUMENT', `Cannot use path "${path.slice(0, 80)}": ${reason}`);
}
