import type { Digest, LayerName } from './ids.ts';

/** A layer as a sandbox pins it: the name may later point to other bytes, the digest never does. */
export interface PinnedLayer {
  readonly name: LayerName;
  readonly digest: Digest;
}
