import { constants } from 'node:os';
import type { ExecStart } from '../api/v1/exec-wire.ts';
import type { OnOutput, RemoteProcess } from '../client/remote-process.ts';
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
  using interruption = new Interruption(cli);
  const client = await cli.client();
  const output = new HeldOutput(io);
  const starting = client.spawn(id, start, { onOutput: output.write });
  const first = await Promise.race([starting, interruption.ending]);
  if (typeof first === 'number') return first;
  using remote = first;
  interruption.target = remote;
  using _terminal = live.tty && live.stdin && io.stdin.isTTY ? new RawTerminal(io) : undefined;
  using _window = live.tty ? followSize(cli, remote) : undefined;
  output.release();
  const input = live.stdin ? forwardInput(io.stdin, remote) : undefined;
  const deadline = live.timeoutSeconds === undefined ? undefined : timeout(live.timeoutSeconds);
  try {
    const exited = remote.exited.then(({ exitCode }) => exitCode);
    return await Promise.race([exited, interruption.ending, ...(deadline === undefined ? [] : [deadline.promise])]);
  } finally {
    clearTimeout(deadline?.timer);
    input?.stop();
  }
}

function timeout(seconds: number): { promise: Promise<number>; timer: NodeJS.Timeout } {
  const { promise, resolve } = Promise.withResolvers<number>();
  return { promise, timer: setTimeout(() => resolve(EXIT_TIMEOUT), seconds * 1000) };
}

/**
 * Output that comes before the terminal is raw waits: what it makes the terminal answer must go to the command, not on the screen.
 * It is kept here, not held up: the news that the command has started may come after its first output.
 */
class HeldOutput {
  readonly #io: Cli['io'];
  #held: Parameters<OnOutput>[] | undefined = [];

  constructor(io: Cli['io']) {
    this.#io = io;
  }

  readonly write: OnOutput = (stream, data) => {
    if (this.#held === undefined) return writeTo(this.#io[stream], data);
    this.#held.push([stream, data]);
  };

  release(): void {
    for (const [stream, data] of this.#held ?? []) this.#io[stream].write(data);
    this.#held = undefined;
  }
}

/** What the signals that end programs do while a command runs: the first Ctrl-C is the command's, all else ends us. */
class Interruption implements Disposable {
  /** Resolves to 128+n when it is us who are to end. */
  readonly ending: Promise<number>;
  /** Who gets the first Ctrl-C; nobody until the command has started. */
  target: Pick<RemoteProcess, 'signal'> | undefined;
  readonly #listening: Disposable;

  constructor(cli: Cli) {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ending = promise;
    this.#listening = cli.onInterrupt((name) => {
      const number = constants.signals[name];
      if (name === 'SIGINT' && this.target !== undefined) this.target.signal(number);
      else resolve(128 + number);
      this.target = undefined;
    });
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
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
