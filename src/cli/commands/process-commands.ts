import { type Command, InvalidArgumentError } from 'commander';
import type { Cli } from '../cli.ts';
import { argvOf, type ExecCall, type ExecFlags, parseExecTail, shellLineOf, withExecFlags } from '../exec-flags.ts';
import { runLive } from '../live-command.ts';
import { EXIT_FAILED } from '../report-error.ts';

const EXEC_HELP = `
One word is a shell line:
  squash exec dev 'ls /tmp | wc -l'
Several words are a program and its arguments, which no shell sees:
  squash exec dev grep -r 'a b' /etc
Flags stand before the first word; -- ends them.
The exit code is the command's own. Ctrl-C goes to the command; a second one
ends it and everything it started.`;

const LOGIN_SHELL = 'cd; command -v bash >/dev/null && exec bash -l; exec sh -l';

/** Adds `exec` and `shell`. */
export function addProcessCommands(program: Command, cli: Cli): void {
  withExecFlags(program.command('exec'))
    .summary('run a command in a sandbox')
    .description('Run a command in a sandbox, with its output as it comes.')
    .usage('[options] <id> <words...>')
    .argument('<id>')
    .argument('<words...>')
    .passThroughOptions()
    .addHelpText('after', EXEC_HELP)
    .action(async (id: string, tail: readonly string[], _flags, command: Command) => {
      const call = parseExecTail(tail, command.optsWithGlobals<ExecFlags>(), command);
      cli.exitCode =
        call.flags.json === true ? await runRecorded(cli, id, call) : await runLive(cli, id, liveCommand(call));
    });
  program
    .command('shell')
    .summary('open a terminal in a sandbox')
    .description('Open a terminal in a sandbox: a login shell, bash where there is one.')
    .argument('<id>')
    .action(async (id: string, _flags, command: Command) => {
      if (!cli.io.stdin.isTTY) command.error("error: stdin is no terminal: use 'exec -i' to pipe into a command");
      cli.exitCode = await runLive(cli, id, { argv: ['/bin/sh', '-c', LOGIN_SHELL], env: {}, stdin: true, tty: true });
    });
}

function liveCommand({ flags, words }: ExecCall) {
  return {
    argv: argvOf(words),
    env: flags.env ?? {},
    workdir: flags.workdir,
    stdin: flags.stdin === true,
    tty: flags.tty === true,
    timeoutSeconds: flags.timeout,
  };
}

/** Runs it over the API's own exec, which answers once the command has ended. */
async function runRecorded(cli: Cli, id: string, { flags, words }: ExecCall): Promise<number> {
  if (flags.stdin === true || flags.tty === true || Object.keys(flags.env ?? {}).length > 0)
    throw new InvalidArgumentError('error: --json cannot be used with --stdin, --tty or --env');
  const client = await cli.client();
  const result = await client.exec(
    id,
    {
      cmd: shellLineOf(words),
      ...(flags.workdir === undefined ? {} : { workdir: flags.workdir }),
      ...(flags.timeout === undefined ? {} : { timeout: flags.timeout }),
    },
    { signal: cli.interruption() },
  );
  await cli.printJson(result);
  // -1 tells of a command that was lost with its daemon.
  return result.exit_code < 0 ? EXIT_FAILED : result.exit_code;
}
