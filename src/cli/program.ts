import { type Argument, Command } from 'commander';
import type { Cli } from './cli.ts';
import { addCompletionCommand } from './commands/completion-command.ts';
import { addCopyCommand } from './commands/cp-command.ts';
import { addDoctorCommand } from './commands/doctor-command.ts';
import { addInitCommand } from './commands/init-command.ts';
import { addLayerCommands } from './commands/layer-commands.ts';
import { addProcessCommands } from './commands/process-commands.ts';
import { addReaperCommand } from './commands/reaper-command.ts';
import { addSandboxCommands } from './commands/sandbox-commands.ts';
import { addSnapshotCommands } from './commands/snapshot-commands.ts';
import { addStartApiCommand } from './commands/start-api-command.ts';
import { addVerifyCommand } from './commands/verify-command.ts';
import { withJson } from './json-flag.ts';

const HELP = `
sq-ctl, sq-mkbase and the like also work as links to this program:
  sq-ctl list, squash sq-ctl list and squash list are the same.
SQUASH_API names the daemon (default: http://localhost:$SQUASH_PORT),
SQUASH_AUTH_TOKEN its token, SQUASH_DATA the state root that layers go to.`;

/** Every command of the CLI. Building it does nothing yet. */
export function createProgram(cli: Cli): Command {
  const program = new Command('squash')
    .description('Sandboxes composed from layers.')
    .enablePositionalOptions()
    .addHelpText('after', HELP);
  addControl(program, cli);
  addDoctorCommand(program, cli);
  addLayerCommands(program, cli);
  addVerifyCommand(program, cli);
  addInitCommand(program, cli);
  addReaperCommand(program, cli);
  addStartApiCommand(program, cli);
  addCompletionCommand(program, cli);
  const control = program.command('sq-ctl').description('Manage sandboxes, as squash itself does.');
  addControl(control.summary('the commands about sandboxes').enablePositionalOptions(), cli);
  for (const command of everyCommand(program)) prepare(command, cli);
  return program;
}

function addControl(program: Command, cli: Cli): void {
  withJson(program);
  addSandboxCommands(program, cli);
  addSnapshotCommands(program, cli);
  addProcessCommands(program, cli);
  addCopyCommand(program, cli);
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** What all commands share: errors are thrown, and text goes to the caller's streams. */
function prepare(command: Command, { io }: Cli): void {
  command
    .exitOverride()
    .helpCommand(false)
    .configureHelp({
      subcommandTerm: (child) => [child.name(), ...child.registeredArguments.map(argumentTerm)].join(' '),
    })
    .showHelpAfterError(`(${commandPath(command)} --help says more)`)
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
    });
}

function argumentTerm(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? '...' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
}

function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`;
}
