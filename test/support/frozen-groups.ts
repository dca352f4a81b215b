import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listCgroups } from './leaks/cgroups.ts';

/** Cgroups of an installation that are frozen, or about to be: what runs in them stands still. */
export async function frozenGroups(runFolder: string): Promise<string[]> {
  const groups = [...(await listCgroups())].filter((path) => path.includes(`/squash-${basename(runFolder)}`));
  return groups.filter((group) => isFrozen(group));
}

function isFrozen(group: string): boolean {
  for (const [file, thawed] of [
    ['freezer.state', 'THAWED\n'],
    ['cgroup.freeze', '0\n'],
  ] as const) {
    const path = join(group, file);
    try {
      if (existsSync(path) && readFileSync(path, 'utf8') !== thawed) return true;
    } catch (error) {
      // The group went away meanwhile.
      if (!['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return false;
}
