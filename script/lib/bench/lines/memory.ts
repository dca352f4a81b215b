import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchGroup } from '../context.ts';
import { kernelMemoryKiB, proportionalSizeKiB } from '../kernel-memory.ts';
import { median } from '../samples.ts';
import { World } from '../world.ts';

const SANDBOXES = 100;
/** Until the kernel has freed what it frees late: RCU, per-processor slabs. */
const SETTLE_MS = 1000;
const OURS = ['squash-broker', 'squash-starter', 'squash-agent', 'squashd', 'node', 'MainThread'];

/** What a sandbox costs that has answered a command and now waits. */
export const memory: BenchGroup = {
  name: 'memory',
  about: `an idle sandbox, of ${SANDBOXES}`,
  async measure({ repeats }) {
    const sandboxes: number[] = [];
    const processes: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      sandboxes.push(await sizeOfSandbox());
      processes.push(await sizeOfProcess());
    }
    return [
      {
        name: 'idle sandbox',
        value: median(sandboxes),
        unit: 'MiB',
        goal: 1,
        yardsticks: [{ name: 'a process in its namespaces', value: median(processes) }],
      },
    ];
  },
};

async function sizeOfSandbox(): Promise<number> {
  await using world = await World.start();
  // The first ones pay for what is shared.
  for (let i = 0; i < 3; i++) await use(world, `first-${i}`);
  const { brokerPid, daemonPid } = world.installation;
  const isOurs = (pid: number, name: string) =>
    pid === brokerPid || pid === daemonPid || (OURS.includes(name) && name.startsWith('squash-'));
  const before = await sizeKiB(isOurs, world);
  for (let i = 0; i < SANDBOXES; i++) await use(world, `idle-${i}`);
  const after = await sizeKiB(isOurs, world);
  return (after - before) / SANDBOXES / 1024;
}

async function use(world: World, id: string): Promise<void> {
  await world.create(id);
  await world.exec(id, 'true');
}

async function sizeKiB(isOurs: (pid: number, name: string) => boolean, world: World): Promise<number> {
  await world.quiet();
  await delay(SETTLE_MS);
  return kernelMemoryKiB() + proportionalSizeKiB(isOurs);
}

/** A static program that waits in all the namespaces that need no second process. */
async function sizeOfProcess(): Promise<number> {
  const waiting: ChildProcess[] = [];
  const isOne = (pid: number) => waiting.some((each) => each.pid === pid);
  const before = kernelMemoryKiB();
  for (let i = 0; i < SANDBOXES; i++)
    waiting.push(spawn('unshare', ['-U', '-r', '-m', '-n', '-i', '-u', '-C', '/bin/busybox', 'sleep', '1000000']));
  await delay(2 * SETTLE_MS);
  const after = kernelMemoryKiB() + proportionalSizeKiB(isOne);
  for (const each of waiting) {
    const ended = once(each, 'exit');
    each.kill('SIGKILL');
    await ended;
  }
  return (after - before) / SANDBOXES / 1024;
}
