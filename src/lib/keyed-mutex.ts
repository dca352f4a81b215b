/** One at a time per key, in the order of asking; different keys do not wait for each other. */
export class KeyedMutex<K> {
  readonly #tails = new Map<K, Promise<unknown>>();

  async run<T>(key: K, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    // The next in line waits for the end of this one, not for its success.
    const mine = before === undefined ? work() : before.then(work, work);
    this.#tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key);
    }
  }

  /** Keys that are held or waited for; what is idle costs nothing. */
  get size(): number {
    return this.#tails.size;
  }
}
