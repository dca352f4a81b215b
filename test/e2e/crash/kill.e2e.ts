import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';
import { expectJournalKept } from './after-crash.ts';
import { CRASH_LAYERS, fillCrashLayers } from './crash-layers.ts';
import { Journal, type Operation, type OperationKind } from './journal.ts';
import { liveAndDie, SCRIPT } from './load.ts';
import { expectSnapshotsKept, mustBeDone, retire } from './redeem.ts';

const ROUNDS = process.env.SQUASH_TEST_LONG === '1' ? 105 : 21;
const VICTIMS = ['daemon', 'broker', 'both'] as const;
type Victim = (typeof VICTIMS)[number];

let installation: Installation;
let journal: Journal;

beforeAll(async () => {
  installation = await Installation.start({ layers: fillCrashLayers() });
  journal = new Journal(installation);
});
afterAll(() => installation[Symbol.asyncDispose]());

/** A sandbox with a file; and one that has been snapshotted, and written to since. */
async function makeWhole(id: string): Promise<void> {
  await mustBeDone(journal.create(id));
  await mustBeDone(journal.write(id));
}
async function makeSnapshotted(id: string): Promise<void> {
  await makeWhole(id);
  await mustBeDone(journal.snapshot(id, 's1'));
  await mustBeDone(journal.write(id));
}

/** What an operation needs, and how it is begun. */
const KINDS: Partial<
  Record<OperationKind, readonly [(id: string) => Promise<void>, (id: string) => Promise<Operation>]>
> = {
  create: [async () => {}, (id) => journal.create(id)],
  exec: [makeWhole, (id) => journal.exec(id, SCRIPT)],
  snapshot: [
    async (id) => {
      await makeWhole(id);
      // Enough for the sandbox to stand still for a while.
      await mustBeDone(journal.exec(id, 'dd if=/dev/urandom of=/root/much bs=1M count=8 2>/dev/null'));
    },
    (id) => journal.snapshot(id, 's1'),
  ],
  restore: [makeSnapshotted, (id) => journal.restore(id, 's1')],
  activate: [makeWhole, (id) => journal.activate(id, CRASH_LAYERS[0])],
  delete: [makeSnapshotted, (id) => journal.deleteSnapshot(id, 's1')],
  destroy: [makeSnapshotted, (id) => journal.destroy(id)],
};
const NAMES = Object.keys(KINDS) as OperationKind[];

/** Whatever the operation needs is there; the function begins it. */
async function prepare(kind: OperationKind): Promise<() => Promise<Operation>> {
  const id = journal.newId();
  const [need, begin] = KINDS[kind] ?? [];
  if (need === undefined || begin === undefined) throw new Error(`Cannot prepare ${kind}: not in the mix`);
  await need(id);
  return () => begin(id);
}

const tookMs = ({ beganMs, endedMs = beganMs }: Operation): number => endedMs - beganMs;

/** How long an operation takes here and now, under load. */
async function measure(kind: OperationKind): Promise<number> {
  const operation = await (await prepare(kind))();
  expect(operation).toMatchObject({ outcome: 'done' });
  return tookMs(operation);
}

/** Answers are taken meanwhile, and it is more exact than a timer. */
async function spin(untilMs: number): Promise<void> {
  while (performance.now() < untilMs) await new Promise(setImmediate);
}

async function kill(victim: Victim): Promise<void> {
  const served = installation.waitForDaemon();
  if (victim !== 'broker') installation.killDaemon();
  if (victim !== 'daemon') {
    await installation.stop('SIGKILL');
    await installation.start();
  }
  await served;
}

/** Kills in the middle of an operation of this kind; one that is over too early is tried again. @returns what was in flight */
async function strike(kind: OperationKind, { victim, random }: { victim: Victim; random: () => number }) {
  const load = { on: true };
  const actors = [liveAndDie(journal, load), liveAndDie(journal, load)];
  try {
    for (;;) {
      const spanMs = await measure(kind);
      const begin = await prepare(kind);
      const atMs = performance.now() + random() * spanMs;
      const running = begin();
      await spin(atMs);
      const hit = journal.inFlight();
      const isHit = hit.some((operation) => operation.beganMs >= atMs - spanMs && operation.kind === kind);
      if (isHit) {
        load.on = false;
        const nowMs = performance.now();
        const told = hit.map((each) => `${each.kind} ${each.id} (${(nowMs - each.beganMs).toFixed(1)} ms old)`);
        console.log(`  killing ${victim} in a ${kind} of about ${spanMs.toFixed(1)} ms; in flight: ${told.join(', ')}`);
        await kill(victim);
      }
      await running;
      if (isHit) return hit.map((each) => each.kind);
    }
  } finally {
    load.on = false;
    await Promise.all(actors);
  }
}

test(
  `what was acknowledged outlives ${ROUNDS} kills, and nothing else does`,
  async () => {
    const seed = testSeed();
    console.log(`SQUASH_TEST_SEED=${seed}`);
    const random = seededRandom(seed);
    const hits: Partial<Record<OperationKind, number>> = {};
    let [interrupted, restored] = [0, 0];
    const elders = [journal.newId(), journal.newId()];
    for (const id of elders) await makeSnapshotted(id);
    const offset = Math.floor(random() * NAMES.length);

    for (let round = 0; round < ROUNDS; round++) {
      const kind = NAMES[(round + offset) % NAMES.length] ?? 'create';
      // Each kind meets each victim in turn.
      const victim = VICTIMS[(round + Math.floor(round / NAMES.length)) % VICTIMS.length] ?? 'both';
      for (const each of await strike(kind, { victim, random })) hits[each] = (hits[each] ?? 0) + 1;
      const { interruptedCount } = await expectJournalKept(installation, journal);
      interrupted += interruptedCount;
      for (const id of journal.ids) {
        restored += await expectSnapshotsKept(journal, id);
        if (!elders.includes(id)) await retire(journal, id);
      }
    }
    console.log(`  in flight at a kill: ${JSON.stringify(hits)}; ${restored} snapshots were restored afterwards`);
    console.log(`  ${interrupted} commands were told to be interrupted`);
    for (const kind of NAMES) expect(hits[kind]).toBeGreaterThanOrEqual(Math.floor(ROUNDS / NAMES.length));
    expect(restored).toBeGreaterThan(2 * ROUNDS);
    expect(interrupted).toBeGreaterThan(0);
  },
  ROUNDS * 20_000,
);
