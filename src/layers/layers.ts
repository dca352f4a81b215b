import type { LayerName } from '../domain/ids.ts';
import type { Sidecar } from './sidecar.ts';

/** A layer as the API lists it. */
export interface LayerInfo {
  readonly name: LayerName;
  readonly size: number;
  readonly location: 'local';
}

/** The layers of this installation: what there is, and what is mounted. */
export class Layers {
  /** By name. */
  async list(): Promise<LayerInfo[]> {
    throw new Error('Not built yet');
  }

  /** Whether there is any layer that a sandbox can stand on (`000-…`). */
  async hasBase(): Promise<boolean> {
    throw new Error('Not built yet');
  }

  /** What these names point to now, in the order of the stack, lowest first. @throws LAYER_NOT_FOUND, LAYER_DAMAGED, LAYER_LIBC_MISMATCH, LAYER_ARCH_MISMATCH */
  async resolve(names: readonly LayerName[]): Promise<readonly Sidecar[]> {
    throw new Error(`Not built yet: ${names}`);
  }
}
