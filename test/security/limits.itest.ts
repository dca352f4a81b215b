// Limits are in force before the first command, as the host's own files say it, or there is no sandbox.
import { readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cgroupFolder } from '../support/host-cgroup.ts';
import { HostileInstallation } from './support/hostile.ts';
import { machinePid } from './support/machine.ts';
import { answerUnprotected } from './support/unprotected.ts';

const MEMORY_MIB = 96;
const CPU = 0.5;
const PIDS = 1024;
const OPEN_FILES = 65_536;

let installation: HostileInstallation;
let pid = 0;

beforeAll(async () => {
  installation = await HostileInstallation.start();
  await installation.create('limited', { memory_mb: MEMORY_MIB, cpu: CPU });
  pid = await machinePid(installation, 'limited');
});
afterAll(() => installation?.[Symbol.asyncDispose]());

const CONTROLLERS = ['memory', 'cpu', 'pids'] as const;
type Controller = (typeof CONTROLLERS)[number];

/** The value that is in force for a sandbox, in bytes, thousandths of a processor, and processes. */
function limitOf(machine: number, controller: Controller): number {
  const { folder, isV2 } = cgroupFolder(machine, controller);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim();
  if (controller === 'memory') return Number(read(isV2 ? 'memory.max' : 'memory.limit_in_bytes'));
  if (controller === 'pids') return Number(read('pids.max'));
  const [quota, period] = isV2 ? read('cpu.max').split(' ') : [read('cpu.cfs_quota_us'), read('cpu.cfs_period_us')];
  return (Number(quota) * 1000) / Number(period);
}

test('memory, cpu and processes are limited as asked for', () => {
  expect(limitOf(pid, 'memory')).toBe(MEMORY_MIB * 1024 * 1024);
  expect(limitOf(pid, 'cpu')).toBe(CPU * 1000);
  expect(limitOf(pid, 'pids')).toBe(PIDS);
});

test('a command is in the groups of its sandbox, and sees no other', async () => {
  const { stdout } = await installation.exec('limited', 'cat /proc/self/cgroup');
  const lines = stdout.trim().split('\n');
  const named = lines.filter((line) => /:(memory|pids|cpu|):/.test(line) || line.startsWith('0::'));
  expect(named.length).toBeGreaterThan(0);
  for (const line of named) expect(line).toMatch(/:\/$/);
});

test('open files are limited, core files are off, for the agent and for commands', async () => {
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  const ours = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  const expected = Math.min(OPEN_FILES, ours);
  expect(limits).toMatch(new RegExp(`^Max open files +${expected} +${expected} `, 'm'));
  // 1: too small for a core file, and the one value that keeps the kernel from starting core_pattern's program.
  expect(limits).toMatch(/^Max core file size +1 +1 /m);
  const { stdout } = await installation.exec('limited', 'ulimit -n; ulimit -Hn; ulimit -c');
  expect(stdout.split('\n').slice(0, 2)).toEqual([`${expected}`, `${expected}`]);
});

test('terminals are limited', async () => {
  expect(answerUnprotected(installation.probe, ['terminals', '300'])).toBe('OK');
  expect(await installation.answer('limited', ['terminals', '200'])).toBe('OK');
  expect(await installation.answer('limited', ['terminals', '300'])).toBe('ENOSPC');
});

/**
 * Takes a controller's group away from under the process that waits to become the next sandbox: its limit cannot be set any more.
 * False while there is none that is ready.
 */
function removeWaitingGroup(machine: number, controller: Controller): boolean {
  const { folder } = cgroupFolder(machine, controller);
  const installationFolder = dirname(folder);
  const waiting = readdirSync(installationFolder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== basename(folder),
  );
  const [group] = waiting.map(({ name }) => join(installationFolder, name));
  if (group === undefined) return false;
  const members = readFileSync(join(group, 'cgroup.procs'), 'utf8').trim().split('\n');
  const ours = readlinkSync('/proc/self/ns/net');
  // The last that it does before it is ready is to leave the host's namespaces.
  if (members.includes('') || members.some((member) => readlinkSync(`/proc/${member}/ns/net`) === ours)) return false;
  for (const member of members) writeFileSync(join(dirname(installationFolder), 'cgroup.procs'), member);
  rmdirSync(group);
  return true;
}

describe('a limit that cannot be set', () => {
  test.each(CONTROLLERS)('%s: the create fails, says so, and leaves nothing', async (controller) => {
    await using broken = await HostileInstallation.start({ env: { SQUASH_READY_UPPERS: '1' } });
    const { host } = broken;
    const fields = { memory_mb: MEMORY_MIB, cpu: CPU };
    await broken.create('limited', fields);
    const machine = await machinePid(broken, 'limited');
    // v2 has one group for all controllers, and memory is limited first.
    const named = cgroupFolder(machine, controller).isV2 ? 'memory' : controller;
    const create = () => host.call('POST', '/cgi-bin/api/sandboxes', { id: 'unlimited', ...fields });
    // The next one prepares itself beside us.
    await expect.poll(() => removeWaitingGroup(machine, controller)).toBe(true);
    expect(await create()).toMatchObject({
      status: 500,
      body: { error: expect.stringContaining(`limits in force (${named}.`) },
    });
    expect(await host.call('GET', '/cgi-bin/api/sandboxes')).toMatchObject({ body: [{ id: 'limited' }] });
    expect(readdirSync(`${host.runFolder}/machines`)).toHaveLength(1);

    await expect.poll(create, { timeout: 10_000 }).toMatchObject({ status: 201 });
    expect(limitOf(await machinePid(broken, 'unlimited'), controller)).toBe(limitOf(machine, controller));
  });
});
