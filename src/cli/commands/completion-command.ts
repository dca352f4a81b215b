import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { completionScript, SHELLS, type Shell } from '../completion-script.ts';

const HELP = `
bash: source <(squash completion bash)
zsh:  source <(squash completion zsh)
fish: squash completion fish | source`;

/** Adds `completion`, and the hidden command that its scripts ask for ids. */
export function addCompletionCommand(program: Command, cli: Cli): void {
  program
    .command('completion')
    .summary('print a completion script')
    .description('Print a script that makes a shell complete commands, flags and ids of sandboxes.')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(async (shell: Shell) => {
      await cli.print([completionScript(program, shell).trimEnd()]);
    });
  program.command('__ids', { hidden: true }).action(async () => {
    await cli.print((await (await cli.client()).list()).map(({ id }) => id));
  });
}
