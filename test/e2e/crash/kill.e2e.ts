import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';
import { expectJournalKept } from './after-crash.ts';
import { Journal, type Operation, type OperationKind } from './journal.ts';

const ROUNDS = process.env.SQUASH_TEST_LONG === '1' ? 60 : 10;
const KINDS: readonly OperationKind[] = ['create', 'exec', 'destroy'];
const VICTIMS = ['daemon', 'broker', 'both'] as const;
type Victim = (typeof VICTIMS)[number];

/** Long enough to be hit in its middle, and it leaves something that may not outlive it. */
const SCRIPT = 'setsid sleep 1000 & usleep 30000; cat /root/me';

let installation: Installation;
let journal: Journal;

beforeAll(async () => {
  installation = await Installation.start();
  journal = new Journal(installation);
});
afterAll(() => installation[Symbol.asyncDispose]());

async function makeWhole(id: string): Promise<void> {
  expect(await journal.create(id)).toMatchObject({ outcome: 'done' });
  expect(await journal.exec(id, `echo ${id} > /root/me`)).toMatchObject({ outcome: 'done' });
}

/** Whatever the operation needs is there; the function begins it. */
async function prepare(kind: OperationKind): Promise<() => Promise<Operation>> {
  const id = journal.newId();
  if (kind === 'create') return () => journal.create(id);
  await makeWhole(id);
  return kind === 'exec' ? () => journal.exec(id, SCRIPT) : () => journal.destroy(id);
}

const tookMs = ({ beganMs, endedMs = beganMs }: Operation): number => endedMs - beganMs;

/** How long an operation takes here and now, under load. */
async function measure(kind: OperationKind): Promise<number> {
  const operation = await (await prepare(kind))();
  expect(operation.outcome).toBe('done');
  return tookMs(operation);
}

/** Lives of sandboxes, one after the other, until told to end. */
async function liveAndDie(load: { on: boolean }): Promise<void> {
  while (load.on) {
    const id = journal.newId();
    if ((await journal.create(id)).outcome !== 'done') return;
    await journal.exec(id, `echo ${id} > /root/me`);
    await journal.exec(id, SCRIPT);
    if (load.on) await journal.destroy(id);
  }
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

/** Kills in the middle of an operation of this kind; one that is over too early is tried again. */
async function strike(kind: OperationKind, { victim, random }: { victim: Victim; random: () => number }) {
  const load = { on: true };
  const actors = [liveAndDie(load), liveAndDie(load)];
  for (;;) {
    const spanMs = await measure(kind);
    const begin = await prepare(kind);
    const atMs = performance.now() + random() * spanMs;
    const running = begin();
    await spin(atMs);
    const hit = journal.inFlight();
    const target = hit.find((operation) => operation.beganMs >= atMs - spanMs && operation.kind === kind);
    if (target === undefined) {
      await running;
      continue;
    }
    load.on = false;
    const nowMs = performance.now();
    const killed = kill(victim);
    const told = hit.map((each) => `${each.kind} ${each.id} (${(nowMs - each.beganMs).toFixed(1)} ms old)`);
    console.log(`  killed ${victim} in a ${kind} of about ${spanMs.toFixed(1)} ms; in flight: ${told.join(', ')}`);
    await Promise.all([killed, running, ...actors]);
    return hit.map((each) => each.kind);
  }
}

test(
  `what was acknowledged outlives ${ROUNDS} kills, and nothing else does`,
  async () => {
    const seed = testSeed();
    console.log(`SQUASH_TEST_SEED=${seed}`);
    const random = seededRandom(seed);
    const hits = { create: 0, exec: 0, destroy: 0 };
    let interrupted = 0;
    const elders = [journal.newId(), journal.newId()];
    for (const id of elders) await makeWhole(id);
    const offset = Math.floor(random() * KINDS.length);

    for (let round = 0; round < ROUNDS; round++) {
      const kind = KINDS[(round + offset) % KINDS.length] ?? 'create';
      // Each kind meets each victim in turn.
      const victim = VICTIMS[(round + Math.floor(round / KINDS.length)) % VICTIMS.length] ?? 'both';
      for (const each of await strike(kind, { victim, random })) hits[each]++;
      const { ids, interruptedCount } = await expectJournalKept(installation, journal);
      interrupted += interruptedCount;
      for (const id of ids) {
        const { result } = await journal.exec(id, 'cat /root/me');
        // Of a sandbox that is younger than its first command, the file may be missing.
        if (journal.operations.some((each) => each.id === id && each.outcome === 'done' && each.cmd?.includes('echo')))
          expect(result).toMatchObject({ exit_code: 0, stdout: `${id}\n` });
        if (!elders.includes(id)) expect(await journal.destroy(id)).toMatchObject({ outcome: 'done' });
      }
    }
    console.log(`  in flight at a kill: ${JSON.stringify(hits)}; ${interrupted} commands were told to be interrupted`);
    expect(interrupted).toBeGreaterThan(0);
    for (const kind of KINDS) expect(hits[kind]).toBeGreaterThanOrEqual(Math.floor(ROUNDS / KINDS.length));
  },
  ROUNDS * 20_000,
);
