import { SandboxError } from '../domain/errors.ts';
import { Scope } from '../lib/scope.ts';
import type { MachineWatch } from '../processes/machine-watch.ts';
import { stackOf } from './machine-spec.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxRecord } from './types.ts';
import { runningMachine } from './wake.ts';

/** Layers and snapshots of one sandbox, as the runtime port bounds them. */
const STACK_MAX = 128;

/** What a change of the root file system changes in the record. */
export type NextStack = Pick<SandboxRecord, 'layers' | 'snapshots' | 'env' | 'upper' | 'upperKind'>;

/**
 * Gives a sandbox another root file system, while nothing runs in it; the caller has its turn. All or nothing: what the record says is what
 * the machine has, also after a `kill -9` in the middle, because a record that is `restacking` has its machine started anew.
 *
 * @throws SANDBOX_BUSY, LAYER_NOT_FOUND, LAYER_DAMAGED, SNAPSHOT_DAMAGED, INVALID_ARGUMENT for too many layers, START_FAILED
 */
export async function changeStack(sandbox: Sandbox, next: NextStack, parts: SandboxParts): Promise<void> {
  if (next.layers.length + next.snapshots.length > STACK_MAX)
    throw new SandboxError(
      'INVALID_ARGUMENT',
      `Cannot change sandbox "${sandbox.id}": more than ${STACK_MAX} layers and snapshots`,
    );
  checkIdle(sandbox);
  const watch = await runningMachine(sandbox, parts);
  checkIdle(sandbox);
  // Without an await in between: who comes from now on waits.
  const change = exchange(sandbox, next, { watch, parts });
  sandbox.restacking = change.catch(() => undefined);
  try {
    await change;
  } finally {
    sandbox.restacking = undefined;
  }
}

interface Exchange {
  readonly watch: MachineWatch;
  readonly parts: SandboxParts;
}

async function exchange(sandbox: Sandbox, next: NextStack, { watch, parts }: Exchange): Promise<void> {
  const before = sandbox.record;
  await using scope = new Scope();
  const layers = scope.use(await parts.layers.acquire([...next.layers, ...next.snapshots]));
  await parts.records.note({ ...before, restacking: true });
  scope.defer(() => undo(sandbox, { watch, parts }));
  await restack(sandbox, next, watch);
  const after: SandboxRecord = { ...before, ...next };
  await parts.records.put(asItStands(sandbox, after));
  const held = sandbox.layers;
  sandbox.record = after;
  sandbox.layers = layers;
  scope.move();
  await held?.[Symbol.asyncDispose]();
}

async function restack(sandbox: Sandbox, next: NextStack, { machine }: MachineWatch): Promise<void> {
  try {
    // An empty upper over a snapshot, which has a root folder to bring back.
    const takeRoot = next.upper !== sandbox.record.upper && next.snapshots.length > 0;
    await machine.restack(stackOf(next), { takeRoot });
  } catch (error) {
    sandbox.checkUsable();
    if (error instanceof SandboxError && error.code === 'SANDBOX_BUSY') throw running(error);
    throw error;
  }
}

/** Never throws, so that what the caller gets is the cause. What could not be undone is noted, for the next daemon. */
async function undo(sandbox: Sandbox, exchanged: Exchange): Promise<void> {
  try {
    await takeBack(sandbox, exchanged);
  } catch (error) {
    exchanged.parts.log.error({ err: error, id: sandbox.id }, 'Cannot undo a change of the root file system');
  }
}

/** Back to what the record says. A machine that cannot go back is stopped: its next start finds the data as it was. */
async function takeBack(sandbox: Sandbox, { watch, parts }: Exchange): Promise<void> {
  const { record } = sandbox;
  if (sandbox.state !== 'destroying')
    try {
      await watch.machine.restack(stackOf(record));
    } catch (error) {
      parts.log.warn({ err: error, id: sandbox.id }, 'Stopping a sandbox whose root file system cannot be put back');
      await parts.runtime.stopMachine(sandbox.label);
    }
  await parts.records.note(asItStands(sandbox, record));
}

/** A destroy that has begun meanwhile is on disk: it must not be taken back by what comes after it. */
function asItStands({ state }: Sandbox, record: SandboxRecord): SandboxRecord {
  return state === 'destroying' ? { ...record, state } : record;
}

function checkIdle(sandbox: Sandbox): void {
  sandbox.checkUsable();
  if (sandbox.hasCalls) throw running();
}

function running(cause?: SandboxError): SandboxError {
  return new SandboxError('SANDBOX_BUSY', 'commands are running', { cause });
}
