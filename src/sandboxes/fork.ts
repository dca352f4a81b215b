import { newUpperId, type SandboxId, type UpperId } from '../domain/ids.ts';
import { allDone } from '../lib/all-done.ts';
import { bringUp } from './create.ts';
import { destroySandbox } from './destroy.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';
import { takeSnapshot } from './take-snapshot.ts';
import type { SandboxRecord } from './types.ts';
import type { UpperLease } from './upper-pool.ts';

/** What forks are made of: a record that they share, and a writable layer for each. */
interface Mould extends AsyncDisposable {
  readonly record: SandboxRecord;
  upper(): UpperLease;
}

/**
 * Makes new sandboxes that start on what this one has written at one moment: on btrfs each on a clone of its writable layer, else all on a
 * snapshot that is taken for them. All of them, or none.
 *
 * @throws SANDBOX_EXISTS, SANDBOX_LIMIT, and what a snapshot and a create throw
 */
export async function forkSandbox(
  sandbox: Sandbox,
  ids: readonly SandboxId[],
  parts: SandboxParts,
): Promise<readonly Sandbox[]> {
  sandbox.checkUsable();
  for (const id of ids) parts.registry.checkRoom(id);
  await using mould = await (sandbox.record.upperKind === 'btrfs'
    ? cloneOf(sandbox, parts)
    : snapshotOf(sandbox, parts));
  const made = ids.map((id) =>
    bringUp(parts, () => {
      const upper = mould.upper();
      const record = {
        ...mould.record,
        id,
        state: 'creating',
        upper: upper.id,
        created: parts.now().toISOString(),
      } as const;
      return { record, upper, isFork: true };
    }),
  );
  try {
    return await allDone(made);
  } catch (error) {
    const results = await Promise.allSettled(made);
    const whole = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
    await allDone(whole.map((fork) => destroySandbox(fork, parts)));
    throw error;
  }
}

/** One clone while the sandbox stands still, of which the others are clones. */
function cloneOf(sandbox: Sandbox, parts: SandboxParts): Promise<Mould> {
  return sandbox.inTurn(async () => {
    sandbox.checkUsable();
    const first: UpperId = newUpperId();
    await parts.runtime.cloneUpper(sandbox.record.upper, first, sandbox.label);
    return {
      record: sandbox.record,
      upper: () => {
        const id = newUpperId();
        return { id, make: async () => void (await parts.runtime.cloneUpper(first, id, sandbox.label)) };
      },
      [Symbol.asyncDispose]: () => parts.runtime.dropUpper(first),
    };
  });
}

async function snapshotOf(sandbox: Sandbox, parts: SandboxParts): Promise<Mould> {
  const snapshot = await takeSnapshot(sandbox, undefined, parts);
  const record = {
    ...sandbox.record,
    layers: snapshot.layers,
    env: snapshot.env,
    snapshots: parts.snapshots.chain(snapshot),
    upperKind: parts.upperKind,
  };
  return {
    record,
    upper: () => parts.uppers.take(record.upperLimitBytes),
    [Symbol.asyncDispose]: async () => {},
  };
}
