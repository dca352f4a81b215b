import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { PROJECT_ROOT } from '../../../test/support/project-files.ts';

/** `native/bench/run-timer.c`, as `make -C native bench` builds it. */
export const RUN_TIMER = `${PROJECT_ROOT}/build/native/bench/run-timer`;

export interface RunTime {
  /** Until its first output, or its end when it had none. */
  readonly firstOutputMs: number;
  readonly wholeMs: number;
}

/** A program that can be run again and again, timed from outside of Node. */
export class TimedProgram implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  readonly #what: string;
  readonly #ended: Promise<unknown[]>;

  /** @param argv of a command that ends by executing the run-timer */
  constructor(argv: readonly string[]) {
    const [program = '', ...words] = argv;
    this.#what = words.at(-1) ?? program;
    this.#process = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#process.stdout === null) throw new Error('Cannot read from a program without output');
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#ended = once(this.#process, 'exit');
  }

  static of(argv: readonly string[]): TimedProgram {
    return new TimedProgram([RUN_TIMER, ...argv]);
  }

  async run(): Promise<RunTime> {
    const line = once(this.#lines, 'line') as Promise<[string]>;
    this.#process.stdin?.write('.');
    const answer: unknown[] = await Promise.race([line, this.#ended]);
    const [firstNs = Number.NaN, wholeNs = Number.NaN, status] = String(answer[0]).split(' ').map(Number);
    if (status !== 0) throw new Error(`Cannot measure ${this.#what}: ${answer}`);
    return { firstOutputMs: firstNs / 1e6, wholeMs: wholeNs / 1e6 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
  }
}
