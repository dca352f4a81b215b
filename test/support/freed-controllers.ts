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
      if (areOn(tree, names))
        writeFileSync(`${tree}/cgroup.subtree_control`, names.map((name) => `-${name}`).join(' '));
      for (const mount of held) await mountAgain(mount);
    },
  };
  const triesMax = held.every(({ path }) => run(['umount', path]).status === 0) ? 100 : 0;
  for (let tries = 0; tries < triesMax; tries++) {
    if (areOn(tree, names)) return freed;
    await delay(50);
  }
  await freed[Symbol.asyncDispose]();
  return undefined;
}

function areOn(tree: string, names: readonly string[]): boolean {
  const there = readFileSync(`${tree}/cgroup.controllers`, 'utf8').trim().split(' ');
  return names.every((name) => there.includes(name));
}

async function mountAgain({ path, options }: CgroupMount): Promise<void> {
  const controllers = options.filter((option) => option !== 'rw').join(',');
  const isMounted = (): boolean => cgroupMounts().some((mount) => mount.path === path);
  for (let tries = 0; !isMounted(); tries++) {
    if (tries === 100) throw new Error(`Cannot mount ${path} again`);
    // Busy as long as the v2 tree has not let go of the controller.
    if (run(['mount', '-t', 'cgroup', '-o', controllers, 'cgroup', path]).status !== 0) await delay(50);
  }
}
