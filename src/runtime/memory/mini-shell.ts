import { PROGRAMS, type ProgramIo } from './mini-programs.ts';

/** Ends a mini shell the way a signal ends a process. */
export class Killed extends Error {
  readonly signal: number;
  constructor(signal: number) {
    super(`Killed by signal ${signal}`);
    this.signal = signal;
  }
}

/** Asked for by the `exit` builtin. */
class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`Exit ${code}`);
    this.code = code;
  }
}

const NAMED_SIGNALS: Record<string, number> = { INT: 2, KILL: 9, TERM: 15 };

/**
 * Runs a script in a language that is a small part of what `/bin/sh` understands, so that one test can speak to both:
 * simple commands, `;`, `&&`, `&`, quotes, `$NAME`, `$$`, `>file`, `>&2`.
 */
export async function runScript(script: string, io: ProgramIo): Promise<number> {
  try {
    let status = 0;
    for (const { words, joint } of splitScript(script, io.env)) {
      if (joint === '&&' && status !== 0) continue;
      const run = runSimple(words, io);
      if (words.background) {
        run.catch(() => {});
        status = 0;
      } else status = await run;
    }
    return status;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}

interface Simple extends Array<string> {
  background?: boolean;
}

async function runSimple(words: Simple, io: ProgramIo): Promise<number> {
  const { argv, target } = splitRedirection(words);
  const [name, ...args] = argv;
  if (name === undefined) return 0;
  if (name === 'exit') throw new Exit(Number(args[0] ?? 0));
  if (name === 'kill' && args[1] === '$$')
    throw new Killed(NAMED_SIGNALS[(args[0] ?? '').slice(1)] ?? Number(args[0]?.slice(1)));
  if (name === 'cd') {
    io.cwd = args[0] ?? '/root';
    return 0;
  }
  const program = PROGRAMS[name];
  if (program === undefined) {
    io.stderr(Buffer.from(`sh: ${name}: not found\n`));
    return 127;
  }
  if (target === undefined) return program(args, io);
  if (target === '&2') return program(args, { ...io, stdout: io.stderr });
  const pieces: Buffer[] = [];
  const status = await program(args, { ...io, stdout: (data) => void pieces.push(data) });
  try {
    io.files.write(target, { content: Buffer.concat(pieces), mode: 0o644 });
  } catch (error) {
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    io.stderr(Buffer.from(`sh: ${target}: ${full ? 'No space left on device' : 'nonexistent directory'}\n`));
    return 1;
  }
  return status;
}

function splitRedirection(words: readonly string[]): { argv: string[]; target: string | undefined } {
  const at = words.findIndex((word) => word.startsWith('\0>'));
  if (at < 0) return { argv: [...words], target: undefined };
  const glued = words[at]?.slice(2) ?? '';
  const target = glued === '' ? words[at + 1] : glued;
  return { argv: [...words.slice(0, at), ...words.slice(at + (glued === '' ? 2 : 1))], target };
}

function splitScript(script: string, env: Readonly<Record<string, string>>): { words: Simple; joint: string }[] {
  const commands: { words: Simple; joint: string }[] = [{ words: [], joint: ';' }];
  // A quoted part, a joint, a redirection, a blank, or a run of ordinary characters.
  const token = /'([^']*)'|"([^"]*)"|(&&|[;&\n])|(>&2|>)|([ \t]+)|([^\s'";&>]+)/gy;
  let word: string | undefined;
  const last = () => (commands.at(-1) as { words: Simple }).words;
  const endWord = () => {
    if (word !== undefined) last().push(word);
    word = undefined;
  };
  for (const [, single, double, joint, arrow, blank, plain] of script.matchAll(token)) {
    if (single !== undefined) word = (word ?? '') + single;
    else if (double !== undefined) word = (word ?? '') + expand(double, env);
    else if (plain !== undefined) word = (word ?? '') + expand(plain, env);
    else endWord();
    if (arrow !== undefined) word = `\0>${arrow.slice(1)}`;
    if (arrow === '>') endWord();
    if (blank !== undefined) endWord();
    if (joint !== undefined) {
      if (joint === '&') last().background = true;
      commands.push({ words: [], joint });
    }
  }
  endWord();
  return commands;
}

function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$([A-Za-z_][A-Za-z0-9_]*)/g, (_, name: string) => env[name] ?? '');
}
