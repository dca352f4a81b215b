import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './run.ts';

export interface FreedControllers extends AsyncDisposable {
  /** Where the v2 tree is mounted, which now has the controllers. */
  readonly tree: string;
}

interface CgroupMount {
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

function cgroupMounts(): CgroupMount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' - '))
    .filter(([, tail]) => tail?.startsWith('cgroup'))
    .map(([head = '', tail = '']) => ({
      path: head.split(' ')[4] ?? '',
      type: tail.split(' ')[0] ?? '',
      options: (tail.split(' ')[2] ?? '').split(','),
    }));
}

/**
 * Takes controllers from their v1 hierarchies to the v2 tree, where a host without v1 has them.
 * Kernel: a v1 hierarchy gives its controller back when its last mount and its last group are gone.
 *
 * @returns undefined when this host cannot: it has no v2 tree beside v1, or something else uses the hierarchies
 */
export async function freeControllers(names: readonly string[]): Promise<FreedControllers | undefined> {
  const mounts = cgroupMounts();
  const tree = mounts.find(({ type }) => type === 'cgroup2')?.path;
  const held = mounts.filter(({ type, options }) => type === 'cgroup' && names.some((name) => options.includes(name)));
  if (tree === undefined || held.length !== names.length) return undefined;
  const freed: FreedControllers = {
    tree,
    async [Symbol.asyncDispose]() {
      const control = names.map((name) => `-${name}`).join(' ');
      writeFileSync(`${tree}/cgroup.subtree_control`, control);
      for (const { path, options } of held) {
        const names = options.filter((option) => option !== 'rw').join(',');
        for (let tries = 0; run(['mount', '-t', 'cgroup', '-o', names, 'cgroup', path]).status !== 0; tries++) {
          if (tries === 100) throw new Error(`Cannot mount ${path} again`);
          await delay(50);
        }
      }
    },
  };
  for (const { path } of held) run(['umount', path]);
  for (let tries = 0; tries < 100; tries++) {
    const there = readFileSync(`${tree}/cgroup.controllers`, 'utf8').trim().split(' ');
    if (names.every((name) => there.includes(name))) return freed;
    await delay(50);
  }
  await freed[Symbol.asyncDispose]();
  return undefined;
}
