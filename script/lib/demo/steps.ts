/** One line of the table at the end. */
export interface Timing {
  readonly what: string;
  readonly ms: number;
  readonly note: string;
}

const isTerminal = process.stdout.isTTY === true;
const dim = (text: string): string => (isTerminal && !process.env.NO_COLOR ? `\u001b[2m${text}\u001b[0m` : text);

/** Runs the parts of the demo, says what goes on, and keeps the time each took. */
export class Steps {
  readonly timings: Timing[] = [];

  /** `note` makes of the result what the table says beside the time. */
  async run<T>(what: string, work: () => Promise<T> | T, note: (result: T) => string = () => ''): Promise<T> {
    const started = performance.now();
    process.stdout.write(`${what} ${isTerminal ? dim('…') : '…'}`);
    const ticker = isTerminal
      ? setInterval(() => {
          const seconds = Math.round((performance.now() - started) / 1000);
          process.stdout.write(`\r${what} ${dim(`… ${seconds} s`)}`);
        }, 1000)
      : undefined;
    try {
      const result = await work();
      const ms = performance.now() - started;
      this.timings.push({ what, ms, note: note(result) });
      process.stdout.write(`${isTerminal ? `\r${what} ` : ' '}${dim(`done, ${duration(ms)}`)}   \n`);
      return result;
    } catch (error) {
      process.stdout.write(' failed\n');
      throw error;
    } finally {
      clearInterval(ticker);
    }
  }

  table(): string {
    const width = Math.max(...this.timings.map(({ what }) => what.length));
    return this.timings
      .map(({ what, ms, note }) => `  ${what.padEnd(width)}  ${duration(ms).padStart(8)}  ${note}`.trimEnd())
      .join('\n');
  }
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
