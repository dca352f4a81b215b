import { labelOf } from '../domain/ids.ts';
import type { MachineSpec } from '../runtime/runtime.ts';
import type { SandboxRecord } from './types.ts';

const MIB = 1024 * 1024;
/** Processes and threads of one sandbox (contract §9). */
const PIDS_MAX = 1024;

/** What the machine of a sandbox is started from: the same after a restart as at create. */
export function machineSpecOf(record: SandboxRecord): MachineSpec {
  return {
    label: labelOf(record.id),
    hostname: record.id,
    layers: record.layers.map((layer) => layer.digest).toReversed(),
    upper: record.upper,
    limits: { cpuCount: record.cpu, memoryBytes: record.memoryMiB * MIB, pidsMax: PIDS_MAX },
    nesting: record.nesting,
  };
}
