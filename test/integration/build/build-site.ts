import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseLayerName } from '../../../src/domain/ids.ts';
import { type BuildResult, type BuildSite, buildLayer } from '../../../src/layers/build/build-layer.ts';
import { findBuildUser } from '../../../src/layers/build/build-user.ts';
import { builderEnvironment } from '../../../src/layers/build/builder-environment.ts';
import type { Recipe } from '../../../src/layers/build/recipe.ts';
import { treeRecipe } from '../../../src/layers/build/recipes/tree.ts';
import { ensureStateRoot } from '../../../src/layers/build/state-root.ts';

const BROKER = resolve('build/native/squash-broker');

/** A state root of a test's own, with the real builders and the real broker. */
export interface TestSite extends AsyncDisposable {
  readonly site: BuildSite;
  /** A folder beside the state root, open to nobody but root, as a home is. */
  readonly home: string;
  build(recipe: Recipe, options?: { replace?: boolean; signal?: AbortSignal }): Promise<BuildResult>;
  buildTree(folder: string, name: string, options?: { rootOwned?: boolean; replace?: boolean }): Promise<BuildResult>;
  /** What unfinished builds have left. */
  leftovers(): Promise<string[]>;
}

export async function makeTestSite(): Promise<TestSite> {
  const root = await mkdtemp(join(tmpdir(), 'build-'));
  await chmod(root, 0o711);
  const home = await mkdtemp(join(root, 'home-'));
  const site = {
    dataDir: join(root, 'data'),
    brokerPath: BROKER,
    user: await findBuildUser(),
    env: builderEnvironment(process.env),
  };
  await ensureStateRoot(site.dataDir);
  const build: TestSite['build'] = (recipe, { replace = false, signal = new AbortController().signal } = {}) =>
    buildLayer(recipe, { site, replace, signal, progress: { step: () => {} } });
  return {
    site,
    home,
    build,
    buildTree: (folder, name, { rootOwned = false, replace = false } = {}) =>
      build(treeRecipe(parseLayerName(name), folder, { rootOwned }), { replace }),
    async leftovers() {
      const work = await readdir(join(site.dataDir, 'build')).catch(() => []);
      return [...(await readdir(join(site.dataDir, 'staging'))), ...work];
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

/** Path of the image that a result names. */
export function imageOf({ site }: TestSite, { sidecar }: BuildResult): string {
  return join(site.dataDir, 'modules/sha256', `${sidecar.sha256}.squashfs`);
}

/** `mode owner size time name` of every entry of an image, with numbers for owners. */
export function listImage(path: string): string {
  return execFileSync('unsquashfs', ['-llnumeric', path], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env.PATH, TZ: 'UTC' },
  });
}

/** Unpacks an image. */
export function unpackImage(path: string, folder: string): void {
  execFileSync('unsquashfs', ['-quiet', '-no-progress', '-dest', folder, path], { stdio: 'ignore' });
}
