import { realpath } from 'node:fs/promises';
import { SandboxError } from '../domain/errors.ts';
import { type BuildResult, buildLayer } from '../layers/build/build-layer.ts';
import { findBuildUser } from '../layers/build/build-user.ts';
import { builderEnvironment } from '../layers/build/builder-environment.ts';
import type { Recipe } from '../layers/build/recipe.ts';
import { ensureStateRoot } from '../layers/build/state-root.ts';
import type { Cli } from './cli.ts';
import { programPath } from './program-path.ts';
import { TerminalProgress } from './terminal-progress.ts';
import { formatBytes } from './units.ts';

export interface BuildFlags {
  readonly replace?: boolean;
  readonly json?: boolean;
}

/** Builds a layer and says what came of it. @throws ROOT_REQUIRED, everything that `buildLayer` does */
export async function buildAndReport(cli: Cli, recipe: Recipe, flags: BuildFlags): Promise<void> {
  requireRoot(`layer "${recipe.name}"`);
  const { dataDir } = await cli.settings();
  await ensureStateRoot(dataDir);
  const site = {
    dataDir: await realpath(dataDir),
    brokerPath: programPath('squash-broker', cli.io),
    user: await findBuildUser(),
    env: builderEnvironment(cli.io.env),
  };
  const result = await withProgress(cli, (progress) =>
    buildLayer(recipe, { site, replace: flags.replace === true, progress, signal: cli.interruption() }),
  );
  if (flags.json === true) await cli.printJson(result);
  else await cli.print([describe(result)]);
}

/** @throws ROOT_REQUIRED */
export function requireRoot(object: string): void {
  if (process.geteuid?.() !== 0) throw new SandboxError('ROOT_REQUIRED', `Cannot prepare ${object}: only root can`);
}

async function withProgress<T>(cli: Cli, work: (progress: TerminalProgress) => Promise<T>): Promise<T> {
  using progress = new TerminalProgress(cli.io.stderr);
  return await work(progress);
}

function describe({ state, sidecar }: BuildResult): string {
  const packages = Object.keys(sidecar.packages).length;
  const content = packages === 0 ? '' : `, ${packages} packages`;
  return `${sidecar.name}: ${state === 'built' ? 'built' : 'unchanged'} (${formatBytes(sidecar.size)}${content})`;
}
