import { shellLine } from '../lib/shell-line.ts';
import type { ExecOptions, ExecRequest, ExitReport, MachineProcess } from '../runtime/runtime.ts';
import type { ExecCall, ExecResult } from '../sandboxes/types.ts';
import type { LogEntry } from './exec-log.ts';
import { OutputHead } from './output-head.ts';

const KILLED = 137;

/** How a live command stands in the log: as the shell line that means the same. It has no timeout of ours. */
export function callOf(request: ExecRequest): ExecCall {
  return { cmd: shellLine(request.argv), workdir: request.workdir, timeoutSeconds: 0 };
}

/**
 * Keeps a live command in the log like any other, with the beginning of its output.
 * What went over a terminal is not kept: it holds what a person typed.
 */
export class LiveRecord {
  readonly #entry: LogEntry;
  readonly #call: ExecCall;
  readonly #keepsOutput: boolean;
  readonly #stdout = new OutputHead();
  readonly #stderr = new OutputHead();

  constructor(entry: LogEntry, request: ExecRequest) {
    this.#entry = entry;
    this.#call = callOf(request);
    this.#keepsOutput = request.pty === undefined;
  }

  /** What the command's output passes on its way to the client. */
  listen(options: ExecOptions): ExecOptions {
    if (!this.#keepsOutput) return options;
    return {
      onOutput: (stream, data) => {
        (stream === 'stdout' ? this.#stdout : this.#stderr).push(data);
        options.onOutput(stream, data);
      },
    };
  }

  /** Writes the result once the command has ended, however it does. */
  follow(process: MachineProcess): void {
    process.exited.then(
      (report) => this.#finish(report),
      () => this.#finish(undefined),
    );
  }

  #finish(report: ExitReport | undefined): void {
    const { seq, started } = this.#entry;
    const finished = new Date();
    const result: ExecResult = {
      seq,
      cmd: this.#call.cmd,
      workdir: this.#call.workdir,
      exit_code: report?.exitCode ?? KILLED,
      started: started.toISOString(),
      finished: finished.toISOString(),
      duration_ms: finished.getTime() - started.getTime(),
      timed_out: false,
      truncated: this.#stdout.truncated || this.#stderr.truncated,
      stdout: this.#stdout.text(),
      stderr: this.#stderr.text(),
      ...(report === undefined && { interrupted: true }),
    };
    this.#entry.finish(result);
  }
}
