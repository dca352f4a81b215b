import { SandboxError } from '../domain/errors.ts';
import { newUpperId, type UpperId } from '../domain/ids.ts';
import type { Log } from '../lib/log.ts';
import type { Runtime, UpperOptions } from '../runtime/runtime.ts';

export interface UpperPoolOptions extends UpperOptions {
  /** How many are kept ready; those in memory never are, as their memory is a sandbox's. */
  readonly ready: number;
  /** Free space of the host under the state root, in bytes. */
  readonly freeBytes: () => number;
  readonly log: Log;
}

/** An upper that has its name, and data as soon as it is asked for. */
export interface UpperLease {
  readonly id: UpperId;
  /** @throws NO_SPACE */
  make(): Promise<void>;
}

// Room for records and logs, also where no reserve is asked for.
const LEAST_FREE_BYTES = 1024 * 1024;

// Making one takes 5 to 10 ms of a processor: a burst of creates should be over before.
const QUIET_MS = 50;

/** Makes uppers, some of them ahead of time: mkfs is the slowest part of a create. */
export class UpperPool implements AsyncDisposable {
  readonly #runtime: Pick<Runtime, 'makeUpper' | 'dropUpper'>;
  readonly #options: UpperPoolOptions;
  readonly #target: number;
  #ready: UpperId[] = [];
  #filling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(runtime: Pick<Runtime, 'makeUpper' | 'dropUpper'>, options: UpperPoolOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#target = options.kind === 'disk' ? options.ready : 0;
  }

  get readyCount(): number {
    return this.#ready.length;
  }

  /** Fills up in the background. What an earlier daemon had ready must be swept before. */
  start(): void {
    this.#fill();
  }

  /**
   * The next upper: its name at once, so that a record can name it before it is anyone's.
   *
   * @param sizeBytes another size than the usual one
   * @throws NO_SPACE on a host that is nearly full, also when one is ready that has its space already
   */
  take(sizeBytes: number = this.#options.sizeBytes): UpperLease {
    if (this.#options.freeBytes() < Math.max(this.#options.reserveBytes, LEAST_FREE_BYTES)) throw noSpace();
    const ready = sizeBytes === this.#options.sizeBytes ? this.#ready.shift() : undefined;
    this.#fillLater();
    const id = ready ?? newUpperId();
    return { id, make: async () => (ready === undefined ? this.#make(id, sizeBytes) : undefined) };
  }

  /** Ends filling and drops what is ready. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#filling;
    await Promise.all(this.#ready.splice(0).map((id) => this.#runtime.dropUpper(id)));
  }

  async #make(id: UpperId, sizeBytes: number): Promise<void> {
    const { kind, reserveBytes, sparse } = this.#options;
    try {
      await this.#runtime.makeUpper(id, { kind, sizeBytes, reserveBytes, sparse });
    } catch (error) {
      throw error instanceof SandboxError && error.code === 'NO_SPACE' ? noSpace(error) : error;
    }
  }

  #fillLater(): void {
    clearTimeout(this.#timer);
    if (this.#ready.length * 4 < this.#target) this.#fill();
    else this.#timer = setTimeout(() => this.#fill(), QUIET_MS).unref();
  }

  #fill(): void {
    this.#filling ??= this.#fillUp().finally(() => {
      this.#filling = undefined;
    });
  }

  /** One at a time; gives up at the first failure, until the next create asks again. */
  async #fillUp(): Promise<void> {
    try {
      while (!this.#closed && this.#ready.length < this.#target) {
        const id = newUpperId();
        await this.#make(id, this.#options.sizeBytes);
        this.#ready.push(id);
      }
    } catch (error) {
      this.#options.log.warn({ err: error, ready: this.#ready.length }, 'Cannot keep writable layers ready');
    }
  }
}

function noSpace(cause?: SandboxError): SandboxError {
  return new SandboxError('NO_SPACE', 'no space for a writable layer', { cause });
}
