import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { PROGRAM } from './squash-process.ts';

/** A program on a terminal of its own: what is written to stdin is typed, stdout is what it shows. */
export type OnTerminal = ChildProcessWithoutNullStreams;

/** Runs a line of shell on a terminal of its own (script(1)); `$SQUASH` is the CLI, and talks to this API. */
export function runOnTerminal(line: string, url: string, env: NodeJS.ProcessEnv = {}): OnTerminal {
  const own = { SQUASH_API: url, SQUASH: `${process.execPath} ${PROGRAM}`, TERM: 'xterm', NO_COLOR: '' };
  return spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    env: { ...process.env, ...own, ...env },
  });
}

/** Resolves once the terminal shows a word, from now on, with everything up to then. */
export function whenShown(child: OnTerminal, word: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let seen = '';
  const look = (data: Buffer): void => {
    seen += data;
    if (!seen.includes(word)) return;
    child.stdout.off('data', look);
    resolve(seen);
  };
  child.stdout.on('data', look);
  return promise;
}
