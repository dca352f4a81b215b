import { readdirSync, readFileSync } from 'node:fs';

const KERNEL_PARTS = ['Slab', 'KernelStack', 'PageTables', 'Percpu'];

/** Memory that the kernel holds for its own objects, host-wide, in KiB. */
export function kernelMemoryKiB(): number {
  const text = readFileSync('/proc/meminfo', 'utf8');
  return KERNEL_PARTS.reduce((sum, part) => sum + Number(new RegExp(`^${part}: +(\\d+) kB`, 'm').exec(text)?.[1]), 0);
}

/** What the processes of this name use alone, and their part of what they share, in KiB. */
export function proportionalSizeKiB(isCounted: (pid: number, name: string) => boolean): number {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.reduce((sum, pid) => sum + sizeOf(pid, isCounted), 0);
}

function sizeOf(pid: number, isCounted: (pid: number, name: string) => boolean): number {
  try {
    if (!isCounted(pid, readFileSync(`/proc/${pid}/comm`, 'utf8').trim())) return 0;
    return Number(/^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0; // it ended meanwhile
    throw error;
  }
}
