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
  if (!path.startsWith('/')) throw new SandboxError('INVALID_ARGUMENT', `path must be absolute: "${path}"`);
  if (path.includes('\0') || Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new SandboxError('INVALID_ARGUMENT', `path must have at most ${MAX_PATH_BYTES} bytes and no NUL`);
  return path;
}
