import type { ExitReport, MachineProcess } from '../runtime/runtime.ts';
import { FirstCause } from './first-cause.ts';
import { followCommand } from './follow-command.ts';
import type { MachineWatch } from './machine-watch.ts';

/** A command that was handed over to a client: whatever becomes of it and of the client, nothing of its tree stays behind. */
export class GuardedProcess implements MachineProcess {
  readonly exited: Promise<ExitReport>;
  readonly #process: MachineProcess;
  readonly #abort = new AbortController();
  readonly #gone: Promise<void>;

  constructor(process: MachineProcess, watch: MachineWatch) {
    this.#process = process;
    this.exited = process.exited;
    this.#gone = this.#guard(watch);
    // A failure is the client's to see, through `exited`.
    this.#gone.catch(() => {});
  }

  get supervisorPid(): number {
    return this.#process.supervisorPid;
  }

  write(data: Uint8Array): Promise<void> {
    return this.#process.write(data);
  }

  resize(size: { readonly rows: number; readonly columns: number }): void {
    this.#process.resize(size);
  }

  signal(signal: number): void {
    this.#process.signal(signal);
  }

  kill(): void {
    this.#abort.abort();
  }

  pause(): void {
    this.#process.pause();
  }

  resume(): void {
    this.#process.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    // Output that nobody reads any more must not keep the command's last words, and so its end, from coming.
    this.#process.resume();
    await this.#gone;
    await this.#process[Symbol.asyncDispose]();
  }

  async #guard(watch: MachineWatch): Promise<void> {
    using cause = new FirstCause({ signal: this.#abort.signal });
    const report = await followCommand(this.#process, { cause, watch });
    if (report !== undefined) await watch.claimOomKill(report);
  }
}
