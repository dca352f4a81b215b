import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { HostileInstallation } from './hostile.ts';

/** PID 1 of a sandbox, as the host numbers it. */
export async function machinePid(installation: HostileInstallation, id: string): Promise<number> {
  const namespace = (await installation.exec(id, 'readlink /proc/self/ns/pid')).stdout.trim();
  const found = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isFirstOf(namespace, name));
  if (found.length !== 1) throw new Error(`Cannot find PID 1 of sandbox "${id}": ${found.length} processes`);
  return Number(found[0]);
}

function isFirstOf(namespace: string, pid: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) return false;
    return /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    // It has ended.
    return false;
  }
}
