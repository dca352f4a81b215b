import { SandboxError } from '../domain/errors.ts';
import { labelOf, type SandboxId, type SandboxLabel } from '../domain/ids.ts';
import type { ExecLog } from '../processes/exec-log.ts';
import type { MachineWatch } from '../processes/machine-watch.ts';
import type { SandboxRecord, SandboxState } from './types.ts';

/** A sandbox as this daemon knows it: its record, how its life stands, and what it holds. */
export class Sandbox {
  readonly id: SandboxId;
  readonly label: SandboxLabel;
  record: SandboxRecord;
  state: SandboxState;
  /** Whether its record is on disk, so that its end must be too. */
  recorded = false;
  /** There while its folder is. */
  log: ExecLog | undefined;
  /** Its layers, mounted. */
  layers: AsyncDisposable | undefined;
  /** Single flights: the create, the start after a stop and the destroy that are under way. */
  creating: Promise<void> | undefined;
  starting: Promise<MachineWatch> | undefined;
  destroying: Promise<void> | undefined;
  /** Settles when the root file system that is being changed is the one or the other. */
  restacking: Promise<void> | undefined;
  /** What is cleaned up behind an answer; destroy waits for it. */
  chores: Promise<unknown> = Promise.resolve();
  readonly #calls = new Set<Promise<unknown>>();
  #turn: Promise<unknown> = Promise.resolve();
  #watch: MachineWatch | undefined;

  constructor(record: SandboxRecord, state: SandboxState) {
    this.id = record.id;
    this.label = labelOf(record.id);
    this.record = record;
    this.state = state;
  }

  /** Its running machine. */
  get watch(): MachineWatch | undefined {
    return this.#watch;
  }

  get expiresAt(): Date | undefined {
    const { created, maxLifetimeSeconds } = this.record;
    return maxLifetimeSeconds === 0 ? undefined : new Date(Date.parse(created) + maxLifetimeSeconds * 1000);
  }

  get lastActive(): Date {
    return this.log?.lastActive ?? new Date(this.record.created);
  }

  /** From now on this is its machine; when PID 1 is gone, the sandbox is stopped and its data is kept. */
  runOn(watch: MachineWatch): void {
    this.#watch = watch;
    const stop = () => {
      if (this.#watch !== watch) return;
      this.#watch = undefined;
      if (this.state === 'running') this.state = 'stopped';
    };
    watch.machine.exited.then(stop, stop);
  }

  /** The sandbox counts as in use until the call has ended: destroy waits for it. */
  async track<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Whether a command runs, or a file is on its way. */
  get hasCalls(): boolean {
    return this.#calls.size > 0;
  }

  /** Snapshots and changes of the root file system, one after the other. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine;
    return mine;
  }

  /** Resolves when every call has ended, well or not. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
  }

  /** @throws SANDBOX_BUSY while it is not yet, or not any more, there for its clients */
  checkUsable(): void {
    if (this.state === 'creating') throw this.#busy('created');
    if (this.state === 'destroying') throw this.#busy('destroyed');
  }

  #busy(what: string): SandboxError {
    return new SandboxError('SANDBOX_BUSY', `Cannot use sandbox "${this.id}": it is being ${what}`);
  }
}
