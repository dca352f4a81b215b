import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Installation } from './installation.ts';
import { listCgroups } from './leaks/cgroups.ts';
import { listLoops } from './leaks/loops.ts';
import { run } from './run.ts';

const PATIENCE_MS = 10_000;

export interface RebootOptions {
  /** Whether /run is a tmpfs, as on most hosts: else its files are still there, of an earlier boot. */
  readonly forgetsRun: boolean;
}

/** Leaves of an installation what a reboot leaves: its state root. The next `start` is the first of the new boot. */
export async function reboot(installation: Installation, { forgetsRun }: RebootOptions): Promise<void> {
  const { runFolder, daemonPid, dataFolder } = installation;
  // The broker first, or it starts another daemon.
  await installation.stop('SIGKILL');
  killIfThere(daemonPid);
  await endProcesses(basename(runFolder));
  // With its last process and its pin the mount namespace goes, and all mounts in it.
  for (const mount of ['pin/mnt', 'pin']) run(['umount', join(runFolder, mount)]);
  await until('loop devices', async () => [...(await listLoops())].every((loop) => !loop.includes(dataFolder)));
  if (forgetsRun) forgetRun(runFolder);
  else writeFileSync(join(runFolder, 'boot'), '00000000-0000-0000-0000-000000000000\n');
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Everything in the installation's groups, and then the groups. */
async function endProcesses(instance: string): Promise<void> {
  const groups = [...(await listCgroups())].filter((path) => path.includes(`/squash-${instance}`));
  await until('processes', async () => {
    const pids = groups
      .filter((group) => existsSync(group))
      .flatMap((group) => readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n'))
      .filter((line) => line !== '');
    for (const pid of pids) killIfThere(Number(pid));
    return pids.length === 0;
  });
  for (const group of groups.toSorted((a, b) => b.length - a.length)) rmdirSync(group);
}

function forgetRun(runFolder: string): void {
  rmSync(runFolder, { recursive: true });
  const ids = '/run/squash/ids';
  for (const block of readdirSync(ids))
    if (readFileSync(join(ids, block), 'utf8').startsWith(basename(runFolder))) rmSync(join(ids, block));
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const giveUpAt = performance.now() + PATIENCE_MS; !(await isSo()); await delay(20))
    if (performance.now() > giveUpAt) throw new Error(`Cannot reboot an installation: its ${what} stay`);
}
