import { readFileSync } from 'node:fs';
import { type ProcessTable, readProcesses } from './leaks/processes.ts';

/** Processes of this name that run. One that was killed stays in the table until its parent, who may take its time, has heard of it. */
export async function livingProcesses(command: string) {
  const table: ProcessTable = await readProcesses();
  return [...table.values()].filter((process) => process.command === command && !isDead(process.pid));
}

function isDead(pid: number): boolean {
  try {
    return /^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return true;
    throw error;
  }
}
