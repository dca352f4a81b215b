import { SandboxError } from '../../domain/errors.ts';
import type { ExecCall } from '../../sandboxes/types.ts';
import { field, invalidField, numberField, objectParser, parseAbsolutePath } from '../fields.ts';

/** Of one command line, contract §3. */
const CMD_MAX_BYTES = 64 * 1024;

const parseFields = objectParser({
  cmd: field(parseCommand),
  workdir: field((value) => (value === undefined ? '/' : parseAbsolutePath('workdir', value))),
  timeout: numberField('timeout', { min: 1, max: 3600, whole: true, default: 300 }),
});

/** The body of an exec. @throws INVALID_ARGUMENT */
export function parseExecCall(body: unknown): ExecCall {
  const { cmd, workdir, timeout } = parseFields(body);
  return { cmd, workdir, timeoutSeconds: timeout };
}

function parseCommand(value: unknown): string {
  if (value === undefined || value === null || value === '') throw new SandboxError('INVALID_ARGUMENT', 'cmd required');
  // A NUL would end the argument of `sh -c` early and so run another command than the one that was sent.
  if (typeof value !== 'string' || value.includes('\0') || Buffer.byteLength(value) > CMD_MAX_BYTES)
    throw invalidField('cmd', `a string of at most ${CMD_MAX_BYTES} bytes without NUL`);
  return value;
}
