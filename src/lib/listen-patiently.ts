import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 100;

/**
 * Tries to listen until it works or the time is over: a predecessor that is dying may still hold the address.
 *
 * @param listen rejects with EADDRINUSE while the address is taken
 * @returns what `listen` gives
 */
export async function listenPatiently<T>(
  listen: () => Promise<T>,
  options: { readonly patienceMs: number },
): Promise<T> {
  const until = performance.now() + options.patienceMs;
  for (;;) {
    try {
      return await listen();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || performance.now() >= until) throw error;
    }
    await delay(RETRY_MS);
  }
}
