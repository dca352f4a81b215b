import { labelOf } from '../domain/ids.ts';
import type { MachineSpec, Stack } from '../runtime/runtime.ts';
import type { SandboxRecord } from './types.ts';

const MIB = 1024 * 1024;
/** Processes and threads of one sandbox (contract §9). */
const PIDS_MAX = 1024;

/** Snapshots lie on top of all layers, the newest on top of all. */
export function stackOf({ layers, snapshots, upper }: Pick<SandboxRecord, 'layers' | 'snapshots' | 'upper'>): Stack {
  // Kernel: overlayfs takes no layer twice (ELOOP). All that a second one further down has, the first one covers with the same.
  return { layers: [...new Set([...layers, ...snapshots].map(({ digest }) => digest).toReversed())], upper };
}

/** What the machine of a sandbox is started from: the same after a restart as at create. */
export function machineSpecOf(
  record: SandboxRecord,
  options: { readonly isFork: boolean } = { isFork: false },
): MachineSpec {
  return {
    label: labelOf(record.id),
    hostname: record.id,
    ...stackOf(record),
    limits: { cpuCount: record.cpu, memoryBytes: record.memoryMiB * MIB, pidsMax: PIDS_MAX },
    nesting: record.nesting,
    // What was restored brings its own; a fork has that of another.
    etc: options.isFork ? 'write' : record.snapshots.length > 0 ? 'keep' : 'fresh',
  };
}
