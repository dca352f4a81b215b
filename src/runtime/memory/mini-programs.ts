import { posix } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { MiniFiles } from './mini-files.ts';

/** What a program of the in-memory runtime has around it. */
export interface ProgramIo {
  readonly env: Readonly<Record<string, string>>;
  cwd: string;
  readonly files: MiniFiles;
  readonly stdin: AsyncIterable<Buffer>;
  readonly stdout: (data: Buffer) => void;
  readonly stderr: (data: Buffer) => void;
  /** Aborted when the program is killed. */
  readonly signal: AbortSignal;
}

export type Program = (args: readonly string[], io: ProgramIo) => Promise<number>;

/** The programs that every sandbox of the in-memory runtime has; each does what its namesake does with the same words. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  true: async () => 0,
  false: async () => 1,
  echo: async (args, io) => {
    io.stdout(Buffer.from(`${args.join(' ')}\n`));
    return 0;
  },
  printf: async (args, io) => {
    io.stdout(Buffer.from((args[0] ?? '').replaceAll('\\n', '\n').replace('%s', args[1] ?? '')));
    return 0;
  },
  pwd: async (_, io) => {
    io.stdout(Buffer.from(`${io.cwd}\n`));
    return 0;
  },
  env: async (_, io) => {
    io.stdout(
      Buffer.from(
        Object.entries(io.env)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      ),
    );
    return 0;
  },
  sleep: async ([seconds], io) => {
    await delay(Number(seconds) * 1000, undefined, { signal: io.signal });
    return 0;
  },
  setsid: async ([name, ...args], io) => (await PROGRAMS[name ?? '']?.(args, io)) ?? 127,
  mkdir: async (args, io) => {
    for (const path of args.filter((each) => !each.startsWith('-'))) io.files.makeFolder(posix.resolve(io.cwd, path));
    return 0;
  },
  test: async ([, path], io) => (io.files.read(posix.resolve(io.cwd, path ?? '')) === undefined ? 1 : 0),
  /** `head -c N /dev/zero`: as much output as one likes. */
  head: async ([, count], io) => {
    for (let left = Number(count); left > 0 && !io.signal.aborted; left -= 65_536)
      io.stdout(Buffer.alloc(Math.min(left, 65_536)));
    return 0;
  },
  cat: async ([path], io) => {
    if (path === undefined) {
      for await (const piece of io.stdin) io.stdout(piece);
      return 0;
    }
    const file = io.files.read(posix.resolve(io.cwd, path));
    if (file === undefined) io.stderr(Buffer.from(`cat: ${path}: No such file or directory\n`));
    else io.stdout(file.content);
    return file === undefined ? 1 : 0;
  },
};
