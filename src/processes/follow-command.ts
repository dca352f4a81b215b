import { SandboxError } from '../domain/errors.ts';
import { settlesWithin } from '../lib/deadline.ts';
import type { ExitReport, MachineProcess } from '../runtime/runtime.ts';
import type { FirstCause } from './first-cause.ts';
import type { MachineWatch } from './machine-watch.ts';

// Together under the half second that an answer may come after its timeout: the agent's time to end a tree by itself
// (native/PROTOCOL.md), the broker's to do it from outside, and the time to hear of it.
const AGENT_KILL_MS = 200;
export const BROKER_KILL_MS = 200;
const LAST_WORD_MS = 50;

/**
 * Follows a command to its end and sees to it that nothing of it is left, by force when it must be.
 * Never takes more than 450 ms from the moment of a cause, whatever the command, the agent or the broker do.
 *
 * @returns what the agent said; undefined when it said nothing, because it, or the command's supervisor, is gone
 */
export async function followCommand(
  process: MachineProcess,
  { cause, watch }: { readonly cause: FirstCause; readonly watch: MachineWatch },
): Promise<ExitReport | undefined> {
  const exited = process.exited.catch(undefinedWhenLost);
  await Promise.race([exited, cause.happened]);
  if (cause.cause !== undefined) {
    process.kill();
    await settlesWithin(exited, AGENT_KILL_MS);
  }
  const said = await settledOrUndefined(exited);
  if (said?.treeEmpty === true) return said;
  await settlesWithin(watch.killTree(process), BROKER_KILL_MS);
  await settlesWithin(exited, LAST_WORD_MS);
  return settledOrUndefined(exited);
}

function undefinedWhenLost(error: unknown): undefined {
  if (error instanceof SandboxError && ['AGENT_FAILED', 'BROKER_GONE'].includes(error.code)) return undefined;
  throw error;
}

/** The value of a promise that has one by now. */
function settledOrUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, Promise.resolve(undefined)]);
}
