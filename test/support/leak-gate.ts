import { setTimeout as delay } from 'node:timers/promises';
import { listCgroups } from './leaks/cgroups.ts';
import { listFiles } from './leaks/files.ts';
import { listLoops } from './leaks/loops.ts';
import { listMounts } from './leaks/mounts.ts';
import { listNamespaces, listProcesses, type ProcessTable, readProcesses } from './leaks/processes.ts';
import { listSockets } from './leaks/sockets.ts';

export type LeakKind = 'mount' | 'loop' | 'namespace' | 'cgroup' | 'process' | 'file' | 'socket';

export interface Leak {
  readonly kind: LeakKind;
  readonly what: string;
}

/** What the host held at one moment. */
export interface HostState {
  readonly things: Readonly<Record<LeakKind, ReadonlySet<string>>>;
  readonly processes: ProcessTable;
}

/** `since`: processes that were there then, and whatever they started, are other people's, but for this process. */
export async function readHostState(since?: HostState): Promise<HostState> {
  const processes = await readProcesses();
  const before = since?.processes ?? processes;
  const [mount, loop, namespace, cgroup, process, file, socket] = await Promise.all([
    listMounts(),
    listLoops(),
    listNamespaces(processes, before),
    listCgroups(),
    listProcesses(processes, before),
    listFiles(),
    listSockets(),
  ]);
  return { things: { mount, loop, namespace, cgroup, process, file, socket }, processes };
}

function differences(before: HostState, after: HostState): Leak[] {
  return (Object.keys(after.things) as LeakKind[]).flatMap((kind) =>
    [...after.things[kind].difference(before.things[kind])].map((what) => ({ kind, what })),
  );
}

/**
 * Everything that is here now and was not `before`.
 * The kernel takes back namespaces, loops and cgroups a moment after their last user is gone and tells nobody: it is asked until nothing is left or `patienceMs` are over.
 */
export async function findLeaks(before: HostState, options: { readonly patienceMs: number }): Promise<Leak[]> {
  const giveUpAt = performance.now() + options.patienceMs;
  for (;;) {
    const leaks = differences(before, await readHostState(before));
    if (leaks.length === 0 || performance.now() > giveUpAt) return leaks;
    await delay(50);
  }
}
