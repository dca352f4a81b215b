import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBtrfsPool } from '../../../../test/support/btrfs-pool.ts';
import { run } from '../../../../test/support/run.ts';
import { type BenchGroup, timeMs } from '../context.ts';
import type { Line, Yardstick } from '../line.ts';
import { median } from '../samples.ts';
import { World } from '../world.ts';

const UPPER_MIB = 256;
const ID = 'state';
const FORKS = 100;

/** Half noise and half text, in files of a mebibyte: what is packed is neither all air nor all stone. */
const write = (mib: number, folder: string): string =>
  `mkdir -p ${folder} && cd ${folder} && i=0; while [ $i -lt ${mib} ]; do ` +
  '{ head -c 524288 /dev/urandom; yes "a line of text $i" | head -c 524288; } > f$i; i=$((i+1)); done';

/** What is kept, brought back and copied, with little and with much written. */
export const snapshots: BenchGroup = {
  name: 'snapshots',
  about: 'snapshot, restore, activate, fork',
  async measure({ repeats }) {
    return [...(await onDisk(repeats)), ...(await onBtrfs(repeats))];
  },
};

async function onDisk(repeats: number): Promise<Line[]> {
  await using world = await World.start({ upperMiB: UPPER_MIB, layers: { '200-more': () => {} } });
  const small = await measureSnapshots(world, 1, repeats);
  const large = await measureSnapshots(world, 100, repeats);
  const changes = await measureChanges(world, repeats);
  return [
    { name: 'snapshot of 1 MB', value: small.ms, unit: 'ms', goal: 30, yardsticks: [packed(small.packMs)] },
    { name: 'snapshot of 100 MB', value: large.ms, unit: 'ms', yardsticks: [packed(large.packMs, 1.2)] },
    { name: 'pause for 100 MB', value: large.pauseMs, unit: 'ms', yardsticks: [packed(large.packMs)] },
    { name: 'restore of 100 MB', value: changes.restoreMs, unit: 'ms', goal: 10, yardsticks: [] },
    { name: 'activate over 100 MB', value: changes.activateMs, unit: 'ms', goal: 10, yardsticks: [] },
  ];
}

async function onBtrfs(repeats: number): Promise<Line[]> {
  using pool = makeBtrfsPool(8192);
  await using world = await World.start({ ready: FORKS, upperMiB: UPPER_MIB, pool: pool.path });
  const small = await measureSnapshots(world, 1, repeats);
  const large = await measureSnapshots(world, 100, repeats);
  const forks = await measureForks(world, repeats);
  return [
    { name: 'pause for 1 MB, btrfs', value: small.pauseMs, unit: 'ms', goal: 10, yardsticks: [] },
    { name: 'pause for 100 MB, btrfs', value: large.pauseMs, unit: 'ms', goal: 50, yardsticks: [] },
    { name: 'snapshot of 100 MB, btrfs', value: large.ms, unit: 'ms', yardsticks: [packed(large.packMs)] },
    { name: 'fork with 100 MB, btrfs', value: forks.oneMs, unit: 'ms', goal: 15, yardsticks: [copied(forks.copyMs)] },
    { name: `${FORKS} forks at once, btrfs`, value: forks.manyMs, unit: 'ms', goal: 500, yardsticks: [] },
  ];
}

/** As many starters are ready as sandboxes are asked for, as in the burst of creates. */
async function measureForks(world: World, repeats: number) {
  await start(world, 100);
  const tree = mkdtempSync(join(tmpdir(), 'bench-tree-'));
  run(['sh', '-c', write(100, join(tree, 'tree'))]);
  const samples = { oneMs: [] as number[], copyMs: [] as number[] };
  for (let round = 0; round < repeats; round++) {
    await world.quiet();
    samples.oneMs.push(await timeMs(() => post(world, `/v1/sandboxes/${ID}/fork`, { id: 'fork' })));
    await world.forget('fork');
    samples.copyMs.push(
      await timeMs(async () => void run(['cp', '-a', join(tree, 'tree'), join(tree, `copy-${round}`)])),
    );
  }
  await world.quiet();
  const manyMs = await timeMs(() => post(world, `/v1/sandboxes/${ID}/fork`, { id: 'fork', count: FORKS }));
  for (let n = 1; n <= FORKS; n++) await world.forget(`fork-${n}`);
  await world.destroy(ID);
  rmSync(tree, { recursive: true });
  return { oneMs: median(samples.oneMs), copyMs: median(samples.copyMs), manyMs };
}

function copied(ms: number): Yardstick {
  return { name: 'cp -a of the same', value: ms };
}

function packed(ms: number, maxRatio?: number): Yardstick {
  return { name: 'mksquashfs of the same', value: ms, ...(maxRatio !== undefined && { maxRatio }) };
}

async function start(world: World, mib: number): Promise<void> {
  await world.create(ID);
  await world.exec(ID, write(mib, '/root/tree'));
}

/** Medians over snapshots of one tree, each beside a bare `mksquashfs` of a tree that was written alike. */
async function measureSnapshots(world: World, mib: number, repeats: number) {
  await start(world, mib);
  const tree = mkdtempSync(join(tmpdir(), 'bench-tree-'));
  run(['sh', '-c', write(mib, join(tree, 'tree'))]);
  const samples = { ms: [] as number[], pauseMs: [] as number[], packMs: [] as number[] };
  for (let round = 0; round < repeats; round++) {
    await world.quiet();
    samples.ms.push(
      await timeMs(async () => {
        const { pause_ms } = await post(world, `/cgi-bin/api/sandboxes/${ID}/snapshot`, { label: `s${round}` });
        samples.pauseMs.push(Number(pause_ms));
      }),
    );
    samples.packMs.push(await timeMs(async () => pack(join(tree, 'tree'), join(tree, 'image'))));
  }
  await world.destroy(ID);
  for (let round = repeats - 1; round >= 0; round--)
    await world.http.request('DELETE', `/v1/sandboxes/${ID}/snapshots/s${round}`);
  rmSync(tree, { recursive: true });
  return { ms: median(samples.ms), pauseMs: median(samples.pauseMs), packMs: median(samples.packMs) };
}

function pack(tree: string, image: string): void {
  const level = ['-comp', 'zstd', '-Xcompression-level', '3'];
  const { status, stderr } = run(['mksquashfs', tree, image, ...level, '-noappend', '-no-progress', '-quiet']);
  if (status !== 0) throw new Error(`Cannot pack ${tree}: ${stderr}`);
}

async function measureChanges(world: World, repeats: number) {
  const samples = { restoreMs: [] as number[], activateMs: [] as number[] };
  for (let round = 0; round < repeats; round++) {
    await start(world, 100);
    const path = `/cgi-bin/api/sandboxes/${ID}`;
    samples.activateMs.push(await timeMs(() => post(world, `${path}/activate`, { module: '200-more' })));
    await post(world, `${path}/snapshot`, { label: 'kept' });
    await world.quiet();
    samples.restoreMs.push(await timeMs(() => post(world, `${path}/restore`, { label: 'kept' })));
    await world.destroy(ID);
    await world.http.request('DELETE', `/v1/sandboxes/${ID}/snapshots/kept`);
    await world.quiet();
  }
  return { restoreMs: median(samples.restoreMs), activateMs: median(samples.activateMs) };
}

async function post(world: World, path: string, body: object): Promise<Record<string, unknown>> {
  const { status, body: text } = await world.http.request('POST', path, body);
  if (status >= 300) throw new Error(`Cannot POST ${path}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}
