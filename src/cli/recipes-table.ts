import type { LayerName } from '../domain/ids.ts';
import { LayerStore } from '../layers/layer-store.ts';
import { formatTable } from './table.ts';
import { formatBytes } from './units.ts';

export interface KnownRecipe {
  /** Words after the tool's name that build it. */
  readonly words: string;
  readonly layer: LayerName;
}

/** What a tool can build, and what of it there is. @param modules the `modules` folder of the state root, which only root may read */
export async function recipesTable(recipes: readonly KnownRecipe[], modules: string, width: number): Promise<string[]> {
  const rows = await Promise.all(
    recipes.map(async ({ words, layer }) => [words, layer, ...(await stateOf(modules, layer))]),
  );
  const columns = [
    { title: 'RECIPE' },
    { title: 'LAYER' },
    { title: 'STATE', minWidth: 10 },
    { title: 'SIZE', align: 'right' },
  ] as const;
  return formatTable(columns, rows, width);
}

async function stateOf(modules: string, layer: LayerName): Promise<[string, string]> {
  try {
    const sidecar = await new LayerStore(modules).find(layer);
    return sidecar === undefined
      ? ['not built', '']
      : [`built: ${sidecar.recipe.replace(/ #[0-9a-f]+$/, '')}`, formatBytes(sidecar.size)];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return ['unknown: run as root', ''];
    throw error;
  }
}
