import { CommanderError } from 'commander';
import { SandboxError } from '../domain/errors.ts';
import type { CliIo } from './cli-io.ts';
import { paintFor } from './paint.ts';
import { printable } from './printable.ts';

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Says one line about what went wrong, and in a dim second one what to do about it. @returns the exit code */
export function reportError(error: unknown, io: CliIo): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const paint = paintFor(io.stderr, io.env);
  const message = error instanceof Error ? error.message : String(error);
  io.stderr.write(`${paint('red', 'squash:')} ${printable(message)}\n`);
  const hint = error instanceof SandboxError ? error.hint : undefined;
  if (hint !== undefined) io.stderr.write(`${paint('dim', `hint: ${printable(hint)}`)}\n`);
  return EXIT_FAILED;
}
