import type { Log } from '../lib/log.ts';
import type { Sandbox } from './sandbox.ts';

export interface ExpiryOptions {
  readonly all: () => readonly Sandbox[];
  readonly destroy: (sandbox: Sandbox) => Promise<void>;
  readonly now: () => Date;
  readonly log: Log;
}

// 2^31 - 1: a longer setTimeout fires at once.
const TIMER_MAX_MS = 2_147_483_647;
const RETRY_MS = 5000;

/** Destroys sandboxes at the end of their lifetime: one timer, for the earliest of them. */
export class Expiry implements Disposable {
  readonly #options: ExpiryOptions;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Sets the timer anew; to be called when a sandbox came or went. */
  arm(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const earliest = Math.min(
      ...this.#options.all().map((sandbox) => sandbox.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY),
    );
    if (earliest === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(0, earliest - this.#options.now().getTime());
    this.#timer = setTimeout(() => void this.#expire(), Math.min(waitMs, TIMER_MAX_MS)).unref();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #expire(): Promise<void> {
    const now = this.#options.now();
    const expired = this.#options
      .all()
      .filter((sandbox) => sandbox.expiresAt !== undefined && sandbox.expiresAt <= now);
    const results = await Promise.all(expired.map((sandbox) => this.#end(sandbox)));
    if (results.every(Boolean)) this.arm();
    else if (!this.#closed) this.#timer = setTimeout(() => void this.#expire(), RETRY_MS).unref();
  }

  async #end(sandbox: Sandbox): Promise<boolean> {
    try {
      await this.#options.destroy(sandbox);
      this.#options.log.info({ id: sandbox.id }, 'Destroyed sandbox at the end of its lifetime');
      return true;
    } catch (error) {
      this.#options.log.error({ err: error, id: sandbox.id }, 'Cannot destroy sandbox at the end of its lifetime');
      return false;
    }
  }
}
