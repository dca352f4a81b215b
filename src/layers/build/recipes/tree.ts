import { stat } from 'node:fs/promises';
import { SandboxError } from '../../../domain/errors.ts';
import type { LayerName } from '../../../domain/ids.ts';
import { Child } from '../child.ts';
import { launchLine } from '../launch.ts';
import type { Recipe, RecipeContext } from '../recipe.ts';
import { type TreeTarOptions, treeTarLine } from '../tree-tar.ts';

/** A layer of what a folder holds. Read as root: it may lie in a home that nobody else can enter. */
export function treeRecipe(name: LayerName, folder: string, options: TreeTarOptions): Recipe {
  return {
    name,
    tool: 'tar',
    description: options.rootOwned ? 'from-dir --root-owned' : 'from-dir',
    isPinned: false,
    async start({ env, signal, progress }: RecipeContext): Promise<Child> {
      await requireFolder(name, folder);
      progress.step(`packing ${folder}`);
      return new Child(launchLine(treeTarLine(folder, options)), 'tar', { output: 'pipe', env, signal });
    },
  };
}

async function requireFolder(name: LayerName, folder: string): Promise<void> {
  const found = await stat(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new SandboxError(
      'INVALID_ARGUMENT',
      `Cannot build layer "${name}": ${folder} cannot be read (${cause.code})`,
      { cause },
    );
  });
  if (!found.isDirectory())
    throw new SandboxError('INVALID_ARGUMENT', `Cannot build layer "${name}": ${folder} is not a folder`);
}
