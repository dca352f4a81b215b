import { Command } from 'commander';
import { shellLine } from '../lib/shell-line.ts';
import { withJson } from './json-flag.ts';
import { addVariable, positiveNumber } from './option-values.ts';

export interface ExecFlags {
  readonly json?: boolean;
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

/** The flags of `exec`. */
export function withExecFlags(command: Command): Command {
  return withJson(command)
    .option('-w, --workdir <folder>', 'where it starts (default: /)')
    .option('-e, --env <NAME=value>', 'a variable for it; may be repeated', addVariable)
    .option('-i, --stdin', 'pass stdin on')
    .option('-t, --tty', 'give it a terminal')
    .option(
      '--timeout <seconds>',
      'end it and everything it started after so long, with exit code 124',
      positiveNumber,
    );
}

export interface ExecCall {
  readonly flags: ExecFlags;
  readonly words: readonly string[];
}

/**
 * What follows the id: more flags, then the words of the command, which begin at the first word that is no flag or after `--`.
 * @throws CommanderError for a flag that `exec` does not know, and when no word is left
 */
export function parseExecTail(tail: readonly string[], before: ExecFlags, outer: Command = new Command()): ExecCall {
  let words: readonly string[] = [];
  const parser = withExecFlags(new Command('exec').copyInheritedSettings(outer))
    .exitOverride()
    .passThroughOptions()
    .argument('<words...>')
    .action((parsed: readonly string[]) => {
      words = parsed;
    });
  parser.parse(tail, { from: 'user' });
  const flags = parser.opts<ExecFlags>();
  const env = { ...before.env, ...flags.env };
  return { flags: { ...before, ...flags, env }, words };
}

/** One word is a shell line, as with ssh; several are a program and its arguments, as with docker: no shell sees them. */
export function argvOf(words: readonly string[]): readonly string[] {
  return words.length === 1 ? ['/bin/sh', '-c', words[0] ?? ''] : words;
}

/** A shell line that means the same as `argvOf`. */
export function shellLineOf(words: readonly string[]): string {
  return shellLine(argvOf(words));
}
