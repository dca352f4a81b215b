import type { ExecOptions, ExecRequest, ExitReport, MachineProcess, OutputStream } from '../../src/runtime/runtime.ts';

/** A command whose every move the test makes; `log` holds what was asked of it, in order. */
export class FakeProcess implements MachineProcess {
  readonly supervisorPid = 2;
  readonly exited: Promise<ExitReport>;
  readonly log: string[] = [];
  /** Resolves when it is disposed. */
  readonly disposed: Promise<void>;
  /** A write waits for this. */
  taking: Promise<void> = Promise.resolve();
  onPause: () => void = () => {};
  onResume: () => void = () => {};
  readonly request: ExecRequest;
  readonly #options: ExecOptions;
  readonly #exit = Promise.withResolvers<ExitReport>();
  readonly #disposed = Promise.withResolvers<void>();

  constructor(request: ExecRequest, options: ExecOptions) {
    this.request = request;
    this.#options = options;
    this.exited = this.#exit.promise;
    this.disposed = this.#disposed.promise;
    this.exited.catch(() => {});
  }

  async write(data: Uint8Array): Promise<void> {
    await this.taking;
    this.log.push(`write ${data.length}`);
  }

  resize({ rows, columns }: { readonly rows: number; readonly columns: number }): void {
    this.log.push(`resize ${rows}x${columns}`);
  }

  signal(signal: number): void {
    this.log.push(`signal ${signal}`);
  }

  kill(): void {
    this.log.push('kill');
  }

  pause(): void {
    this.log.push('pause');
    this.onPause();
  }

  resume(): void {
    this.log.push('resume');
    this.onResume();
  }

  put(stream: OutputStream, data: Buffer): void {
    this.#options.onOutput(stream, data);
  }

  exit(exitCode: number, signal = 0): void {
    this.#exit.resolve({ exitCode, signal, strangerKills: 0, treeEmpty: true, stdoutBytes: 0, stderrBytes: 0 });
  }

  lose(error: Error): void {
    this.#exit.reject(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.resolve();
  }
}
