/** Why a command is ended before its own end. */
export type Cause = 'timeout' | 'abort';

/** The first of a timeout and an abort; what comes second changes nothing. Disposing it lets go of timer and listener. */
export class FirstCause implements Disposable {
  readonly happened: Promise<Cause>;
  #cause: Cause | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;

  /** Without a timeout only the abort can come. */
  constructor(options: { readonly timeoutMs?: number; readonly signal: AbortSignal }) {
    const { promise, resolve } = Promise.withResolvers<Cause>();
    const end = (cause: Cause): void => {
      this.#cause ??= cause;
      resolve(this.#cause);
    };
    this.happened = promise;
    this.#signal = options.signal;
    this.#onAbort = () => end('abort');
    this.#timer = options.timeoutMs === undefined ? undefined : setTimeout(end, options.timeoutMs, 'timeout');
    if (options.signal.aborted) this.#onAbort();
    else options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get cause(): Cause | undefined {
    return this.#cause;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
