import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of a process's group that has a controller, in the host's tree. */
export function cgroupFolder(pid: number, controller: 'memory' | 'cpu' | 'pids'): { folder: string; isV2: boolean } {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  // cgroups(7): `number:controllers:path`; v2 has no controllers there, and has those that v1 does not.
  const v1 = lines.find((line) => line.split(':')[1]?.split(',').includes(controller));
  const line = v1 ?? lines.find((each) => each.startsWith('0::'));
  const path = line?.split(':').slice(2).join(':') ?? '';
  return { folder: join(mountPoint(v1 && controller), path), isV2: v1 === undefined };
}

function mountPoint(controller: string | undefined): string {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [type, , options = ''] = right.split(' ');
    const matches =
      controller === undefined ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller);
    if (matches) return left.split(' ')[4] ?? '';
  }
  throw new Error(`Cannot find the cgroups of ${controller ?? 'v2'}: they are not mounted`);
}
