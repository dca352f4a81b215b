import { expect } from 'vitest';
import type { Journal } from './journal.ts';
import { contentOf } from './observe.ts';
import type { Model } from './sandbox-model.ts';

/** Restores every snapshot of a sandbox, or of one that is gone, and holds what is in it against what was there when it was taken. */
export async function expectSnapshotsKept(journal: Journal, id: string): Promise<number> {
  const { isThere, snapshots } = latestOf(journal, id);
  const labels = Object.keys(snapshots);
  if (labels.length > 0 && !isThere) await mustBeDone(journal.create(id));
  for (const label of labels) {
    await mustBeDone(journal.restore(id, label));
    expect({ id, label, ...(await contentOf(journal, id)) }).toEqual({ id, label, ...snapshots[label] });
  }
  return labels.length;
}

/** Nothing is left of it, its snapshots included. */
export async function retire(journal: Journal, id: string): Promise<void> {
  const { isThere, snapshots } = latestOf(journal, id);
  if (isThere) await mustBeDone(journal.destroy(id));
  // The newest first: it stands on others, and none on it.
  for (const label of Object.keys(snapshots).toReversed()) await mustBeDone(journal.deleteSnapshot(id, label));
  journal.forget(id);
}

function latestOf(journal: Journal, id: string): Model {
  const model = journal.modelsOf(id).at(-1);
  if (model === undefined) throw new Error(`The journal knows nothing of ${id}`);
  return model;
}

export async function mustBeDone(running: ReturnType<Journal['create']>): Promise<void> {
  const operation = await running;
  expect(operation).toMatchObject({ outcome: 'done' });
}
