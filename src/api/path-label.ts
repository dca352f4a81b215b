import { SandboxError } from '../domain/errors.ts';
import { parseSnapshotLabel, type SnapshotLabel } from '../domain/ids.ts';

/** The `:label` of a route. @throws SNAPSHOT_NOT_FOUND: what cannot be a label names nothing */
export function snapshotLabelOf(request: { readonly params: unknown }): SnapshotLabel {
  const { label } = request.params as { readonly label: string };
  try {
    return parseSnapshotLabel(label);
  } catch (cause) {
    throw new SandboxError('SNAPSHOT_NOT_FOUND', `not found: ${label}`, { cause });
  }
}
