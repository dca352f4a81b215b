import type { LayerName } from '../domain/ids.ts';
import { findLayer } from '../layers/find-layer.ts';
import { formatTable } from './table.ts';
import { formatBytes } from './units.ts';

export interface KnownRecipe {
  /** Words after the tool's name that build it. */
  readonly words: string;
  readonly layer: LayerName;
}

/** What a tool can build, and what of it there is. Only root may look into a state root. */
export function recipesTable(recipes: readonly KnownRecipe[], dataDir: string, width: number): string[] {
  const rows = recipes.map(({ words, layer }) => [words, layer, ...stateOf(dataDir, layer)]);
  const columns = [
    { title: 'RECIPE' },
    { title: 'LAYER' },
    { title: 'STATE', minWidth: 10 },
    { title: 'SIZE', align: 'right' },
  ] as const;
  return formatTable(columns, rows, width);
}

function stateOf(dataDir: string, layer: LayerName): [string, string] {
  try {
    const sidecar = findLayer(dataDir, layer);
    return sidecar === undefined
      ? ['not built', '']
      : [`built: ${sidecar.recipe.replace(/ #[0-9a-f]+$/, '')}`, formatBytes(sidecar.size)];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return ['unknown: run as root', ''];
    throw error;
  }
}
