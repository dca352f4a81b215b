/**
 * Undoes what was done, in reverse, unless it was all done: `await using scope = new Scope()`.
 * A step that fails never keeps the later ones from running; the failures come together at the end.
 */
export class Scope implements AsyncDisposable {
  #steps: (() => PromiseLike<void> | void)[] = [];

  defer(step: () => PromiseLike<void> | void): void {
    this.#steps.push(step);
  }

  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  /** Hands the steps over to their new owner: disposing this scope then undoes nothing. */
  move(): Scope {
    const next = new Scope();
    next.#steps = this.#steps;
    this.#steps = [];
    return next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `Cannot clean up: ${errors.length} step(s) failed`);
  }
}
