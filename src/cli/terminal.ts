import type { CliIo, Sink } from './cli-io.ts';

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A terminal as it is seen when it does not say: 24 × 80, a VT100's. */
export function terminalSize(sink: Sink): TerminalSize {
  return { rows: sink.rows || 24, columns: sink.columns || 80 };
}

/**
 * The caller's terminal in raw mode: every key goes to the sandbox, Ctrl-C too. Disposing it gives the terminal back;
 * so does every other way out of the process that can still run code.
 */
export class RawTerminal implements Disposable {
  readonly #stdin: NodeJS.ReadStream;
  readonly #restore = (): void => {
    this.#stdin.setRawMode(false);
  };
  readonly #resume = (): void => {
    // After SIGSTOP and `fg` the shell has put its own mode in place.
    this.#stdin.setRawMode(true);
  };

  constructor(io: CliIo) {
    this.#stdin = io.stdin;
    process.on('exit', this.#restore);
    process.on('SIGCONT', this.#resume);
    this.#stdin.setRawMode(true);
  }

  [Symbol.dispose](): void {
    this.#restore();
    process.off('exit', this.#restore);
    process.off('SIGCONT', this.#resume);
  }
}
