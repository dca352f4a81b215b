import { readFile } from 'node:fs/promises';

/** Mounts of the host's mount namespace, pinned namespaces (nsfs) among them. Two equal mounts on one another are two. */
export async function listMounts(): Promise<Set<string>> {
  const mounts = new Set<string>();
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).trimEnd().split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root, point] = left.split(' ');
    const name = `${point} (${right.split(' ')[0]} of ${root})`;
    let unique = name;
    for (let count = 2; mounts.has(unique); count++) unique = `${name}, ${count} times`;
    mounts.add(unique);
  }
  return mounts;
}
