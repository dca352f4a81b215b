import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { labelOf, parseSandboxId } from '../../src/domain/ids.ts';

/** A process of a sandbox, as the host sees it. */
export interface HostProcess {
  readonly pid: number;
  readonly name: string;
  /** PID 1, a supervisor, or one of those that wait for the next command. */
  readonly isAgent: boolean;
}

/** Undefined when the process has gone, or is none that root may look at: an ancestor of the container that these tests run in. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function readStatus(pid: number): ReadonlyMap<string, string> | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  return text === undefined
    ? undefined
    : new Map(text.split('\n').map((line) => line.split(':\t') as [string, string]));
}

function programOf(pid: number): string | undefined {
  return attempt(() => {
    const { dev, ino } = statSync(`/proc/${pid}/exe`);
    return `${dev}:${ino}`;
  });
}

/** PID 1 of a sandbox, by the broker's note. */
export function initPid(runFolder: string, id: string): number {
  const note = readFileSync(`${runFolder}/machines/${labelOf(parseSandboxId(id))}/slot`, 'utf8');
  const pid = Number(note.split(' ')[1]);
  if (!(pid > 1)) throw new Error(`No PID 1 is noted for "${id}": ${note}`);
  return pid;
}

/** Every living process of the sandbox of this PID 1: all that have its user ids, its cgroups or its pid namespace, wherever else they went. */
export function processesOf(init: number): HostProcess[] {
  const base = Number(readStatus(init)?.get('Uid')?.split('\t')[0]);
  const groups = attempt(() => readFileSync(`/proc/${init}/cgroup`, 'utf8'));
  const namespace = attempt(() => readlinkSync(`/proc/${init}/ns/pid`));
  const agent = programOf(init);
  if (!(base > 0) || groups === undefined || namespace === undefined || agent === undefined)
    throw new Error(`${init} is no PID 1 of a sandbox`);
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .flatMap((pid) => {
      const status = readStatus(pid);
      if (status === undefined || /^[ZX]/.test(status.get('State') ?? '')) return [];
      const uid = Number(status.get('Uid')?.split('\t')[0]);
      const belongs =
        (uid >= base && uid < base + 65_536) ||
        attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8')) === groups ||
        attempt(() => readlinkSync(`/proc/${pid}/ns/pid`)) === namespace;
      return belongs ? [{ pid, name: status.get('Name') ?? '', isAgent: programOf(pid) === agent }] : [];
    });
}

/** What commands left or run now. */
export function commandsOf(init: number): HostProcess[] {
  return processesOf(init).filter((process) => !process.isAgent);
}

/** What the kernel holds the sandbox to, in bytes. */
export function memoryLimitOf(init: number): number {
  const groups = readFileSync(`/proc/${init}/cgroup`, 'utf8').trim().split('\n');
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const group of groups) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(group) ?? [];
    const isV2 = controllers === '';
    if (!isV2 && !controllers.split(',').includes('memory')) continue;
    const mount = mounts.find((line) => (isV2 ? line.includes(' - cgroup2 ') : / - cgroup .*[ ,]memory\b/.test(line)));
    const [, , , root = '/', point = ''] = mount?.split(' ') ?? [];
    const folder = `${point}${path.startsWith(root) && root !== '/' ? path.slice(root.length) : path}`;
    const limit = attempt(() => readFileSync(`${folder}/${isV2 ? 'memory.max' : 'memory.limit_in_bytes'}`, 'utf8'));
    if (limit !== undefined) return Number(limit);
  }
  throw new Error(`No memory cgroup of ${init} is in sight`);
}
