import { readdirSync, readFileSync } from 'node:fs';

/** Pids of the host's processes that were started under this name. */
export function startedAs(name: string): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && firstWord(pid) === name)
    .map(Number);
}

function firstWord(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0];
  } catch {
    // It has ended.
    return undefined;
  }
}
