import { join } from 'node:path';
import type { LayerName } from '../domain/ids.ts';
import { LayerStore } from './layer-store.ts';
import type { Sidecar } from './sidecar.ts';

/** What a name points to in a state root, whether a daemon runs there or not; undefined when there is no such layer. @throws LAYER_DAMAGED */
export function findLayer(dataDir: string, name: LayerName): Sidecar | undefined {
  return new LayerStore(join(dataDir, 'modules')).find(name);
}
