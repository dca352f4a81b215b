import type { Digest } from '../../domain/ids.ts';
import { builderEnvironment } from './builder-environment.ts';
import { Child } from './child.ts';
import { requireSuccess } from './run.ts';

// What squash-broker ends with when the bytes are not those of the digest.
const EXIT_DAMAGED = 6;

/** Has the broker's program read a stored layer again. @returns whether its bytes are what they were published as @throws LAYER_BUILD_FAILED */
export async function verifyLayer(digest: Digest, options: { brokerPath: string; dataDir: string }): Promise<boolean> {
  const command = [options.brokerPath, 'verify', '--data', options.dataDir, '--digest', digest];
  await using child = new Child(command, 'squash-broker', {
    env: builderEnvironment({}),
    signal: new AbortController().signal,
  });
  const end = await child.ended;
  if (end.exitCode === EXIT_DAMAGED) return false;
  requireSuccess('squash-broker verify', end);
  return true;
}
