/**
 * As `Promise.all`, but it never settles before every one of them has: what is undone after a failure must not be joined later by what was
 * still under way.
 */
export async function allDone<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
