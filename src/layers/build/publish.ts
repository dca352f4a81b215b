import { SandboxError } from '../../domain/errors.ts';
import type { Sidecar } from '../sidecar.ts';
import { builderEnvironment } from './builder-environment.ts';
import { Child } from './child.ts';
import { requireSuccess } from './run.ts';

// What squash-broker ends with when the name has other bytes.
const EXIT_EXISTS = 5;

export interface PublishOptions {
  readonly brokerPath: string;
  readonly dataDir: string;
  readonly replace: boolean;
}

/**
 * Hands a staged layer to the broker's program, which checks it and gives it its name; with or without a running daemon.
 * Not interruptible: it takes less than a second, and either happens or does not.
 * @throws LAYER_EXISTS, LAYER_BUILD_FAILED
 */
export async function publishLayer(stem: string, sidecar: Sidecar, options: PublishOptions): Promise<void> {
  const { brokerPath, dataDir, replace } = options;
  const command = [brokerPath, 'publish', '--data', dataDir, stem, sidecar.name, '--digest', sidecar.sha256];
  await using child = new Child([...command, ...(replace ? ['--replace'] : [])], 'squash-broker', {
    env: builderEnvironment({}),
    signal: new AbortController().signal,
  });
  const end = await child.ended;
  if (end.exitCode === EXIT_EXISTS) throw layerExists(sidecar.name);
  requireSuccess('squash-broker publish', end);
}

export function layerExists(name: string): SandboxError {
  return new SandboxError('LAYER_EXISTS', `Cannot publish layer "${name}": the name is taken by other content`);
}
