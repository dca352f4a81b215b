// What was acknowledged is on the disk: the daemon is started over a copy of the disk that was taken at a random moment under load.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CuttableDisk } from '../../support/cuttable-disk.ts';
import { Installation } from '../../support/installation.ts';
import { PROJECT_ROOT } from '../../support/project-files.ts';
import { reboot } from '../../support/reboot.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';
import { brokenPromises } from './after-crash.ts';
import { fillCrashLayers } from './crash-layers.ts';
import { Journal } from './journal.ts';
import { liveAndDie } from './load.ts';
import { expectNothingElse, keptOf } from './nothing-else.ts';
import { expectSnapshotsKept, retire } from './redeem.ts';

const ROUNDS = process.env.SQUASH_TEST_LONG === '1' ? 20 : 5;
const ACTORS = 3;
/** Two lives of each actor, and a part of the next. */
const OPERATIONS_MAX = 130;

let disk: CuttableDisk;
let installation: Installation;
let journal: Journal;
let random: () => number;

beforeEach(async () => {
  const seed = testSeed();
  console.log(`SQUASH_TEST_SEED=${seed}`);
  random = seededRandom(seed);
  disk = new CuttableDisk(1024 ** 3);
  installation = await Installation.start({
    parent: disk.folder,
    layers: fillCrashLayers(),
    env: {
      SQUASH_UPPER_LIMIT_MB: '16',
      SQUASH_DISK_RESERVE_MB: '0',
      SQUASH_READY_UPPERS: String(Math.floor(random() * 3)),
    },
  });
  journal = new Journal(installation);
});
afterEach(async () => {
  await installation?.[Symbol.asyncDispose]();
  await disk?.[Symbol.asyncDispose]();
});

const answered = () => journal.operations.filter(({ outcome }) => outcome === 'done').length;

/** Works until so many operations were acknowledged, and cuts the power a moment later. */
async function cutUnderLoad(): Promise<void> {
  const load = { on: true };
  const actors = Array.from({ length: ACTORS }, () => liveAndDie(journal, load));
  try {
    const enough = answered() + 10 + Math.floor(random() * OPERATIONS_MAX);
    await expect.poll(answered, { timeout: 30_000, interval: 1 }).toBeGreaterThanOrEqual(enough);
    const atMs = performance.now() + random() * 20;
    while (performance.now() < atMs) await new Promise(setImmediate);
    const beganMs = performance.now();
    const hit = journal.inFlight().map(({ kind }) => kind);
    await disk.cut();
    const endedMs = performance.now();
    load.on = false;
    await reboot(installation, { forgetsRun: true });
    await Promise.all(actors);
    journal.cut(beganMs, endedMs);
    const tookMs = (endedMs - beganMs).toFixed(1);
    console.log(`  cut after ${enough} operations, within ${tookMs} ms; in flight: ${hit.join(', ')}`);
  } finally {
    load.on = false;
    await Promise.all(actors);
  }
  await disk.boot();
  await installation.start();
}

test(
  `what was acknowledged outlives ${ROUNDS} power cuts`,
  async () => {
    let [restored, held] = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      await cutUnderLoad();
      expect(await brokenPromises(installation, journal)).toEqual([]);
      await expectNothingElse(installation, keptOf(journal));
      held += keptOf(journal).filter(({ isThere }) => isThere).length;
      for (const id of journal.ids) {
        restored += await expectSnapshotsKept(journal, id);
        // The last one's sandboxes and snapshots live through a second cut.
        if (random() < 0.7) await retire(journal, id);
      }
    }
    console.log(`  ${held} sandboxes were there afterwards, ${restored} snapshots were restored`);
    expect(held).toBeGreaterThanOrEqual(ROUNDS);
    expect(restored).toBeGreaterThanOrEqual(ROUNDS);
  },
  ROUNDS * 60_000,
);

// `datasync` is how records of sandboxes reach the disk, `sync` how those of snapshots do.
test.each(['datasync', 'sync'])('without %s the same comparison fails', async (flush) => {
  const hook = join(disk.folder, 'unflushed.mjs');
  copyFileSync(join(PROJECT_ROOT, 'test/e2e/crash/unflushed.mjs'), hook);
  await installation.stop();
  Object.assign(installation.env, { NODE_OPTIONS: `--import=${hook}`, SQUASH_TEST_UNFLUSHED: flush });
  await installation.start();
  const broken: string[] = [];
  for (let round = 0; round < 3 && broken.length === 0; round++) {
    await cutUnderLoad();
    broken.push(...(await brokenPromises(installation, journal)));
  }
  console.log(`  ${broken.map((each) => each.slice(0, 100)).join('\n  ')}`);
  expect(broken).not.toEqual([]);
});
