import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '../../domain/errors.ts';
import { findLayer } from '../find-layer.ts';
import type { Sidecar } from '../sidecar.ts';
import type { BuildUser } from './build-user.ts';
import { LayerFacts } from './layer-facts.ts';
import { packLayer } from './pack.ts';
import type { Progress } from './progress.ts';
import { layerExists, publishLayer } from './publish.ts';
import type { Recipe } from './recipe.ts';
import { StagedLayer } from './staged-layer.ts';
import { WorkFolder } from './work-folder.ts';

/** Where layers are built and by whom. */
export interface BuildSite {
  readonly dataDir: string;
  /** The program `squash-broker`. */
  readonly brokerPath: string;
  readonly user: BuildUser;
  /** Environment of builders. */
  readonly env: Readonly<Record<string, string>>;
}

export interface BuildOptions {
  readonly site: BuildSite;
  /** Build although there is a layer of this name, and let the name point to the new bytes. */
  readonly replace: boolean;
  readonly progress: Progress;
  /** Aborting ends the build and leaves nothing. */
  readonly signal: AbortSignal;
}

export interface BuildResult {
  /** Whether the store changed. */
  readonly state: 'built' | 'unchanged';
  readonly sidecar: Sidecar;
}

/**
 * Builds a layer and publishes it: source → tar → squashfs in `staging/` → digest → `squash-broker publish`.
 * Needs root, which reads the source and publishes; everything that parses foreign data runs as the build user.
 * @throws LAYER_EXISTS when the name stands for something else and `replace` is off; LAYER_DAMAGED, LAYER_BUILD_FAILED
 */
export async function buildLayer(recipe: Recipe, options: BuildOptions): Promise<BuildResult> {
  const { site, replace } = options;
  const existing = replace ? undefined : findLayer(site.dataDir, recipe.name);
  if (existing !== undefined && recipe.isPinned) {
    if (existing.recipe !== recipe.description) throw layerExists(recipe.name);
    await requireBytes(site.dataDir, existing);
    return { state: 'unchanged', sidecar: existing };
  }
  await using staged = await StagedLayer.in(join(site.dataDir, 'staging'));
  const facts = await packRecipe(recipe, staged, options);
  options.progress.step('publishing');
  const { digest, sizeBytes } = await staged.measure();
  if (existing !== undefined) {
    if (existing.sha256 !== digest) throw layerExists(recipe.name);
    return { state: 'unchanged', sidecar: existing };
  }
  const sidecar: Sidecar = {
    format: 1,
    name: recipe.name,
    sha256: digest,
    size: sizeBytes,
    arch: recipe.arch ?? facts.arch,
    libc: recipe.libc ?? facts.libc,
    recipe: recipe.description,
    packages: facts.packages,
    env: facts.env,
  };
  await staged.describe(`${JSON.stringify(sidecar, null, 1)}\n`);
  options.signal.throwIfAborted();
  await publishLayer(staged.stem, sidecar, { brokerPath: site.brokerPath, dataDir: site.dataDir, replace });
  return { state: 'built', sidecar };
}

async function packRecipe(recipe: Recipe, staged: StagedLayer, options: BuildOptions): Promise<LayerFacts> {
  const { site, progress, signal } = options;
  await using work = await WorkFolder.create(site.dataDir, { stem: staged.stem, account: site.user });
  await using source = await recipe.start({ user: site.user, env: site.env, work, progress, signal });
  const facts = new LayerFacts();
  const { env, user: account } = site;
  await packLayer(facts, { source, sourceName: recipe.tool, imagePath: staged.imagePath, account, env, signal });
  if (facts.foreign !== undefined) throw foreignOwner(recipe.name, facts.foreign);
  return facts;
}

async function requireBytes(dataDir: string, layer: Sidecar): Promise<void> {
  const bytes = await stat(join(dataDir, 'modules/sha256', `${layer.sha256}.squashfs`)).catch(() => undefined);
  if (bytes?.size !== layer.size)
    throw new SandboxError('LAYER_DAMAGED', `Cannot use layer "${layer.name}": its bytes are missing or cut`);
}

function foreignOwner(name: string, entry: { path: string; uid: number; gid: number }): SandboxError {
  return new SandboxError(
    'LAYER_BUILD_FAILED',
    `Cannot build layer "${name}": "${entry.path}" belongs to ${entry.uid}:${entry.gid}, and a sandbox has the ids 0 to 65535`,
    { hint: 'Pass --root-owned to give every file to root' },
  );
}
