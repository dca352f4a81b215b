// That limits bite, by the kernel's own counters. Which hierarchy a controller is on is the host's choice: the suites of v1 and of v2
// alone run this file too.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecResult } from '../../../src/sandboxes/types.ts';
import { cgroupFolder } from '../../support/host-cgroup.ts';
import { Installation } from '../../support/installation.ts';
import { initPid } from '../../support/sandbox-on-host.ts';

const MEMORY_MIB = 64;
const SANDBOXES = '/cgi-bin/api/sandboxes';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
  for (const [id, cpu] of Object.entries({ bound: 0.5, free: 2 }))
    expect(await installation.call('POST', SANDBOXES, { id, cpu, memory_mb: MEMORY_MIB })).toMatchObject({
      status: 201,
    });
});
afterAll(() => installation?.[Symbol.asyncDispose]());

async function exec(id: string, cmd: string, timeout = 30): Promise<ExecResult> {
  const { status, body } = await installation.call('POST', `${SANDBOXES}/${id}/exec`, { cmd, timeout });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as ExecResult;
}

/** The group of a sandbox that has a controller. */
function groupOf(id: string, controller: Parameters<typeof cgroupFolder>[1]): { folder: string; isV2: boolean } {
  return cgroupFolder(initPid(installation.runFolder, id), controller);
}

/** A counter in a file of lines `key count`. */
function countIn(folder: string, file: string, key: string): number {
  const count = new RegExp(`^${key} (\\d+)$`, 'm').exec(readFileSync(join(folder, file), 'utf8'))?.[1];
  if (count === undefined) throw new Error(`Cannot find ${key} in ${folder}/${file}`);
  return Number(count);
}

test('a sandbox that wants more of the processors than its share is held back', async () => {
  const throttledOf = (id: string) => countIn(groupOf(id, 'cpu').folder, 'cpu.stat', 'nr_throttled');
  await Promise.all(['bound', 'free'].map((id) => exec(id, 'timeout 1 sh -c "while :; do :; done"')));
  expect(throttledOf('bound')).toBeGreaterThan(0);
  expect(throttledOf('free')).toBe(0);
});

test('a sandbox that forks without end meets the end of its processes', async () => {
  const refusedOf = (id: string) => countIn(groupOf(id, 'pids').folder, 'pids.events', 'max');
  // In less memory the OOM killer comes first.
  expect(await installation.call('POST', SANDBOXES, { id: 'crowd', memory_mb: 512 })).toMatchObject({ status: 201 });
  expect((await exec('crowd', 'while sleep 1000 & do :; done')).stderr).toMatch(/fork/);
  expect(refusedOf('crowd')).toBeGreaterThan(0);
  expect(refusedOf('free')).toBe(0);
});

test('a sandbox that wants more memory than it has loses the command that does, and swaps nothing', async () => {
  const killsOf = (id: string) => {
    const { folder, isV2 } = groupOf(id, 'memory');
    return countIn(folder, isV2 ? 'memory.events' : 'memory.oom_control', 'oom_kill');
  };
  // v2 limits swap alone, v1 memory and swap together.
  const { folder, isV2 } = groupOf('bound', 'memory');
  const swap = join(folder, isV2 ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes');
  // A kernel may count no swap; setup says so.
  if (existsSync(swap)) expect(Number(readFileSync(swap, 'utf8'))).toBe(isV2 ? 0 : MEMORY_MIB * 1024 * 1024);
  expect(await exec('bound', 'cat /dev/zero | tail')).toMatchObject({ exit_code: 137, oom: true });
  expect(killsOf('bound')).toBeGreaterThan(0);
  expect(killsOf('free')).toBe(0);
});
