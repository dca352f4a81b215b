import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SandboxError } from '../domain/errors.ts';

// An installation has everything in one folder; a checkout has what was built in these.
const FOLDERS = ['.', 'build/native', 'dist'];

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the running program. */
  readonly here?: string;
}

/** Where a program of ours lies: in `SQUASH_LIB`, beside the running one, or in the checkout that it is part of. @throws RUNTIME_UNAVAILABLE */
export function programPath(name: string, { env, here = import.meta.dirname }: Surroundings): string {
  const roots = env.SQUASH_LIB ? [env.SQUASH_LIB] : ancestors(here);
  const candidates = roots.flatMap((root) => FOLDERS.map((folder) => join(root, folder, name)));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new SandboxError('RUNTIME_UNAVAILABLE', `Cannot find ${name}: it is not beside squash`, {
    hint: 'script/setup builds and installs it; SQUASH_LIB names the folder',
  });
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}
