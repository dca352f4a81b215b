import { InvalidArgumentError } from 'commander';
import { Cli } from './cli.ts';
import type { CliIo } from './cli-io.ts';
import { createProgram } from './program.ts';
import { EXIT_USAGE, reportError } from './report-error.ts';
import { wordsOfCall } from './tool-name.ts';

/**
 * Runs one call of the CLI. @param words what follows the program's name
 * @returns the exit code: 0, the command's own for `exec` and `shell`, 1 for an error, 2 for a wrong call, 128+n for a signal
 */
export async function runCli(words: readonly string[], io: CliIo): Promise<number> {
  using cli = new Cli(io);
  const program = createProgram(cli);
  const call = wordsOfCall(io.calledAs, words);
  try {
    if (call.length === 0) program.help({ error: true });
    await program.parseAsync(call, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof InvalidArgumentError) {
      io.stderr.write(`${error.message}\n`);
      return EXIT_USAGE;
    }
    if (cli.interruptedExitCode === undefined) return reportError(error, io);
    io.stderr.write('squash: interrupted\n');
    return cli.interruptedExitCode;
  }
}
