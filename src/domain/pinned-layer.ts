import type { Digest, LayerName, SandboxId, SnapshotLabel } from './ids.ts';

/** A layer as a sandbox pins it: the name may later point to other bytes, the digest never does. */
export interface PinnedLayer {
  readonly name: LayerName;
  readonly digest: Digest;
}

/** A snapshot as a sandbox stands on it: a layer that has no name of its own. */
export interface PinnedSnapshot {
  /** Whose it is: a fork stands on those of the sandbox that it was made of. */
  readonly sandbox: SandboxId;
  readonly label: SnapshotLabel;
  readonly digest: Digest;
}
