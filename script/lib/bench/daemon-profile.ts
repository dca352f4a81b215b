import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string } }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

const SHOWN = 12;

/** Options that make a daemon write a profile of its processor time into the folder when it ends. */
export function profileOptions(folder: string): string {
  mkdirSync(folder, { recursive: true });
  // The daemon's user writes here.
  chmodSync(folder, 0o1777);
  return `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=200`;
}

/** Where the daemons' time went, in their own code and in calls to the kernel; the costliest first. */
export function describeProfiles(folder: string): string[] {
  const times = new Map<string, number>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile')))
    addTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile, times);
  times.delete('(idle)');
  const total = [...times.values()].reduce((sum, each) => sum + each, 0);
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, micros]) => `${((micros / total) * 100).toFixed(1).padStart(6)} %  ${name}`);
}

function addTimes({ nodes, samples, timeDeltas }: CpuProfile, times: Map<string, number>): void {
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url } }) => [id, nameOf(functionName, url)]));
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
}

function nameOf(functionName: string, url: string): string {
  return `${functionName || '(anonymous)'} ${url.split('/').at(-1) ?? ''}`.trim();
}
