import type { Command } from 'commander';

/** Lets a command print what a program reads instead of what a person does. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON, as the API gives it');
}
