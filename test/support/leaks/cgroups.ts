import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

// systemd makes and drops groups of its own all the time; ours, and those of the oracle, carry one of these names.
const OURS = /squash|crun|libcrun/;

/** Cgroup folders of ours, in every v1 hierarchy and in the v2 tree. */
export async function listCgroups(): Promise<Set<string>> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line));
  const groups = new Set<string>();
  for (const point of new Set(mounts.map((line) => line.split(' ')[4] ?? ''))) {
    // A group may go away while the tree is read: what cannot be listed any more is no leak.
    const entries = await readdir(point, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isDirectory() && OURS.test(path)) groups.add(path);
    }
  }
  return groups;
}
