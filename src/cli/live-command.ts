import { constants } from 'node:os';
import type { ExecStart } from '../api/v1/exec-wire.ts';
import type { RemoteProcess } from '../client/remote-process.ts';
import type { Cli } from './cli.ts';
import { writeTo } from './cli-io.ts';
import { RawTerminal, terminalSize } from './terminal.ts';

// What timeout(1) and the API answer.
const EXIT_TIMEOUT = 124;

export interface LiveCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute; absent: `/`. */
  readonly workdir?: string | undefined;
  /** Pass the caller's stdin on. */
  readonly stdin: boolean;
  /** Give it a terminal; with `stdin`, the caller's becomes raw. */
  readonly tty: boolean;
  readonly timeoutSeconds?: number | undefined;
}

/** Runs a command with its output as it comes. Whatever ends us ends it with its whole tree. @returns its exit code */
export async function runLive(cli: Cli, id: string, live: LiveCommand): Promise<number> {
  const { io } = cli;
  const start: ExecStart = {
    argv: live.argv,
    env: live.tty ? { TERM: io.env.TERM ?? 'xterm', ...live.env } : live.env,
    stdin: live.stdin,
    ...(live.workdir === undefined ? {} : { workdir: live.workdir }),
    ...(live.tty ? { pty: terminalSize(io.stdout) } : {}),
  };
  const client = await cli.client();
  using remote = await client.spawn(id, start, { onOutput: (stream, data) => writeTo(io[stream], data) });
  using _terminal = live.tty && live.stdin && io.stdin.isTTY ? new RawTerminal(io) : undefined;
  using _window = live.tty ? followSize(cli, remote) : undefined;
  const input = live.stdin ? forwardInput(io.stdin, remote) : undefined;
  using interrupted = whenInterrupted(cli, remote);
  const ways = [remote.exited.then(({ exitCode }) => exitCode), interrupted.promise];
  const deadline = live.timeoutSeconds === undefined ? undefined : timeout(live.timeoutSeconds);
  try {
    return await Promise.race(deadline === undefined ? ways : [...ways, deadline.promise]);
  } finally {
    clearTimeout(deadline?.timer);
    input?.stop();
  }
}

function timeout(seconds: number): { promise: Promise<number>; timer: NodeJS.Timeout } {
  const { promise, resolve } = Promise.withResolvers<number>();
  return { promise, timer: setTimeout(() => resolve(EXIT_TIMEOUT), seconds * 1000) };
}

/** The first Ctrl-C is the command's; the second, and any other signal that ends programs, is ours. */
function whenInterrupted(cli: Cli, remote: RemoteProcess): { promise: Promise<number> } & Disposable {
  const { promise, resolve } = Promise.withResolvers<number>();
  let isForwarded = false;
  const listening = cli.onInterrupt((name) => {
    const number = constants.signals[name];
    if (name !== 'SIGINT' || isForwarded) resolve(128 + number);
    else remote.signal(number);
    isForwarded = true;
  });
  return { promise, [Symbol.dispose]: () => listening[Symbol.dispose]() };
}

function followSize(cli: Cli, remote: RemoteProcess): Disposable {
  const resize = () => remote.resize(terminalSize(cli.io.stdout));
  process.on('SIGWINCH', resize);
  return { [Symbol.dispose]: () => void process.off('SIGWINCH', resize) };
}

/** Passes stdin on, no faster than the command takes it. */
function forwardInput(stdin: NodeJS.ReadStream, remote: RemoteProcess): { stop(): void } {
  const forward = async () => {
    for await (const chunk of stdin) await remote.write(chunk as Buffer);
    remote.end();
  };
  // It fails when the command ends first, which `exited` tells.
  forward().catch(() => {});
  return { stop: () => void stdin.destroy() };
}
