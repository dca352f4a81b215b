import type { Operation } from './journal.ts';

/** What the root file system of a sandbox holds, as far as these tests write to it. */
export interface Content {
  /** Of /root/me; undefined while it was never written. */
  readonly me: string | undefined;
  /** Beside the base. */
  readonly layers: readonly string[];
}

/** A sandbox and its snapshots, as a client may expect them. Snapshots outlive their sandbox. */
export interface Model {
  readonly isThere: boolean;
  readonly content: Content;
  readonly active: string | null;
  readonly snapshots: Readonly<Record<string, Content>>;
}

const EMPTY: Content = { me: undefined, layers: [] };
const NEVER: Model = { isThere: false, content: EMPTY, active: null, snapshots: {} };

/** What becomes of it when the operation is done. */
function apply(model: Model, { kind, content, label, layer }: Operation): Model {
  switch (kind) {
    case 'create':
      return { ...model, isThere: true, content: EMPTY, active: null };
    case 'destroy':
      return { ...model, isThere: false, content: EMPTY, active: null };
    case 'write':
      return { ...model, content: { ...model.content, me: content } };
    case 'snapshot':
      return { ...model, snapshots: { ...model.snapshots, [label ?? '']: model.content } };
    case 'restore':
      return { ...model, content: model.snapshots[label ?? ''] ?? EMPTY, active: label ?? null };
    case 'activate':
      return { ...model, content: { ...model.content, layers: [...model.content.layers, layer ?? ''] } };
    case 'delete': {
      const { [label ?? '']: _gone, ...snapshots } = model.snapshots;
      return { ...model, snapshots };
    }
    case 'exec':
      return model;
  }
}

/**
 * Everything that may be true of a sandbox after these operations, oldest first, which came one after the other: what was acknowledged is
 * done, what was refused is not, and of those at the end that nobody answered, a first part is done.
 */
export function modelsAfter(operations: readonly Operation[]): readonly Model[] {
  let models: Model[] = [NEVER];
  for (const operation of operations) {
    const { outcome, seen } = operation;
    if (outcome === 'refused') continue;
    if (outcome === 'done') models = models.map((model) => apply(model, operation));
    else models = [...models, apply(models.at(-1) ?? NEVER, operation)];
    // Somebody has looked since.
    if (seen !== undefined) models = [seen];
  }
  return models;
}
