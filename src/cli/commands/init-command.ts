import type { Command } from 'commander';
import { SandboxError } from '../../domain/errors.ts';
import type { LayerName } from '../../domain/ids.ts';
import type { Recipe } from '../../layers/build/recipe.ts';
import { debianRecipe } from '../../layers/build/recipes/debian.ts';
import { nodejs24Recipe } from '../../layers/build/recipes/nodejs24.ts';
import { ensureStateRoot } from '../../layers/build/state-root.ts';
import { findLayer } from '../../layers/find-layer.ts';
import { buildAndReport, requireRoot } from '../build-command.ts';
import type { Cli } from '../cli.ts';
import { DEBIAN_BASE, NODEJS24 } from './layer-commands.ts';

/** Adds `sq-init`: what a state root needs before the first create that names no layers. */
export function addInitCommand(program: Command, cli: Cli): void {
  program
    .command('sq-init')
    .summary('prepare the state root')
    .description('Make the folders of SQUASH_DATA and build what SQUASH_DEFAULT_LAYERS names. Safe to run again.')
    .action(async () => {
      requireRoot('the state root');
      const { dataDir, defaultLayers } = await cli.settings();
      await ensureStateRoot(dataDir);
      for (const name of defaultLayers) {
        if (findLayer(dataDir, name) !== undefined) await cli.print([`${name}: there`]);
        else await buildAndReport(cli, await recipeFor(name), {});
      }
    });
}

async function recipeFor(name: LayerName): Promise<Recipe> {
  if (name === DEBIAN_BASE) return await debianRecipe('bookworm');
  if (name === NODEJS24) return nodejs24Recipe(process.arch);
  throw new SandboxError('LAYER_NOT_FOUND', `Cannot build layer "${name}": this version has no recipe for it`, {
    hint: `squash sq-mkbase debian, and set SQUASH_DEFAULT_LAYERS=000-base-debian; or squash sq-mkbase from-dir <path> ${name}`,
  });
}
