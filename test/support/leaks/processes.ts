import { readdir, readFile, readlink } from 'node:fs/promises';

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot; with the pid it names a process for good. */
  readonly started: string;
  readonly command: string;
}

export type ProcessTable = ReadonlyMap<number, Process>;

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const;

/** All processes; one that ends meanwhile is left out. */
export async function readProcesses(): Promise<ProcessTable> {
  const table = new Map<number, Process>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) continue;
    // proc_pid_stat(5): the command stands in brackets and may hold brackets and spaces itself.
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    const pid = Number(name);
    table.set(pid, {
      pid,
      parent: Number(fields[1]),
      started: fields[19] ?? '',
      command: stat.slice(stat.indexOf('(') + 1, end),
    });
  }
  return table;
}

function isIn(table: ProcessTable, process: Process): boolean {
  return table.get(process.pid)?.started === process.started;
}

/** The nearest ancestor that was there before. */
function oldestKnown(process: Process, now: ProcessTable, before: ProcessTable): number {
  let current: Process | undefined = process;
  while (current !== undefined && !isIn(before, current)) current = now.get(current.parent);
  return current?.pid ?? 1;
}

async function linksOf(pid: number | 'self'): Promise<string[]> {
  const links = await Promise.all(NAMESPACES.map((name) => readlink(`/proc/${pid}/ns/${name}`).catch(() => '')));
  return links.filter((link) => link !== '');
}

/** Whether an orphan shows that a test started it: by a namespace of its own, by vitest's mark in its environment, by name or by user. */
async function looksLikeOurs(pid: number): Promise<boolean> {
  const own = new Set(await linksOf('self'));
  if ((await linksOf(pid)).some((link) => !own.has(link))) return true;
  const [environment, command, groups] = await Promise.all(
    ['environ', 'cmdline', 'cgroup'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
  );
  return /(^|\0)VITEST=/.test(environment ?? '') || /squash/.test(`${command}${groups}`);
}

async function isOurs(process: Process, now: ProcessTable, before: ProcessTable): Promise<boolean> {
  const ancestor = oldestKnown(process, now, before);
  if (ancestor === globalThis.process.pid) return true;
  // Orphans go to PID 1, or to a subreaper: for a leaked process that is an ancestor of this one.
  const ancestors = new Set<number>([1]);
  for (let pid = globalThis.process.ppid; pid > 1; pid = now.get(pid)?.parent ?? 0) ancestors.add(pid);
  ancestors.delete(globalThis.process.ppid); // the test runner, whose other children are its own workers
  return ancestors.has(ancestor) && (await looksLikeOurs(process.pid));
}

async function newAndOurs(now: ProcessTable, before: ProcessTable): Promise<Process[]> {
  const found: Process[] = [];
  for (const process of now.values())
    if (!isIn(before, process) && (await isOurs(process, now, before))) found.push(process);
  return found;
}

/** Processes that came after `before` and were started here. */
export async function listProcesses(now: ProcessTable, before: ProcessTable): Promise<Set<string>> {
  return new Set((await newAndOurs(now, before)).map(({ pid, command }) => `${pid} ${command}`));
}

/** Namespaces that those processes are in and this one is not. A namespace that only a file pins is a mount. */
export async function listNamespaces(now: ProcessTable, before: ProcessTable): Promise<Set<string>> {
  const own = new Set(await linksOf('self'));
  const links = await Promise.all((await newAndOurs(now, before)).map(({ pid }) => linksOf(pid)));
  return new Set(links.flat().filter((link) => !own.has(link)));
}
