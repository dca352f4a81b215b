import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const PROGRAM = fileURLToPath(new URL('../../../src/bin/squash.ts', import.meta.url));

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Content of stdin. @default {''} */
  readonly input?: string | Buffer;
  /** Path that the program is called by. */
  readonly program?: string;
}

/** Starts the real CLI as a child. */
export function startCli(
  url: string,
  words: readonly string[],
  options: CliOptions = {},
): ChildProcessWithoutNullStreams {
  const env = { PATH: process.env.PATH ?? '', TMPDIR: process.env.TMPDIR ?? '/tmp', SQUASH_API: url, ...options.env };
  return spawn(process.execPath, [options.program ?? PROGRAM, ...words], { env });
}

/** Runs the real CLI to its end. */
export async function runCliProcess(
  url: string,
  words: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const child = startCli(url, words, options);
  const closed = once(child, 'close');
  // A command that takes no input may be gone before it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = await closed;
  return { exitCode, stdout, stderr };
}
