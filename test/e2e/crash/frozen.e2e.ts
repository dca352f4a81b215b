// A sandbox stands still while it is captured: whoever captures it may die in the middle.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { frozenGroups } from '../../support/frozen-groups.ts';
import { Installation } from '../../support/installation.ts';
import { livingProcesses } from '../../support/living-processes.ts';
import { Journal } from './journal.ts';
import { mustBeDone } from './redeem.ts';

const SOON = { timeout: 3000, interval: 10 };
/** Less than the capture would go on. */
const AT_ONCE = { timeout: 1000, interval: 10 };

let installation: Installation;
let journal: Journal;

beforeEach(async () => {
  installation = await Installation.start({ env: { SQUASH_UPPER_LIMIT_MB: '512', SQUASH_READY_UPPERS: '0' } });
  journal = new Journal(installation);
});
afterEach(() => installation[Symbol.asyncDispose]());

const packers = () => livingProcesses('squash-packer');

/** A sandbox that is frozen, and the snapshot for which it is. */
async function freeze(id: string) {
  await mustBeDone(journal.create(id));
  await mustBeDone(journal.write(id));
  await mustBeDone(journal.exec(id, 'dd if=/dev/urandom of=/root/much bs=1M count=400 2>/dev/null'));
  const taking = journal.snapshot(id, 's1');
  await expect.poll(() => frozenGroups(installation.runFolder), SOON).not.toEqual([]);
  await expect.poll(packers, SOON).not.toEqual([]);
  return { taking };
}

async function expectThawed(id: string): Promise<void> {
  await expect.poll(() => frozenGroups(installation.runFolder), SOON).toEqual([]);
  await expect.poll(packers, SOON).toEqual([]);
  await mustBeDone(journal.write(id));
  const modules = join(installation.dataFolder, 'modules');
  expect(readdirSync(join(modules, '.taken'))).toEqual([]);
  const base = JSON.parse(readFileSync(join(modules, '000-base-test.json'), 'utf8')) as { sha256: string };
  expect(readdirSync(join(modules, 'sha256'))).toEqual([`${base.sha256}.squashfs`]);
  expect((await installation.call('GET', `/v1/sandboxes/${id}/snapshots`)).body).toEqual([]);
}

test('a sandbox whose broker is killed while it is frozen goes on under the next one', async () => {
  const { taking } = await freeze('c1');
  const broker = installation.brokerPid;
  await installation.stop('SIGKILL');
  await expect.poll(packers, AT_ONCE).toEqual([]);
  // Nobody has thawed it: that is for the next broker.
  expect(await frozenGroups(installation.runFolder)).not.toEqual([]);
  await installation.start();
  expect(installation.brokerPid).not.toBe(broker);
  expect((await taking).outcome).toBe('unknown');
  await expectThawed('c1');
});

test('a sandbox whose daemon is killed while it is frozen goes on, and nothing is stored that nobody will hear of', async () => {
  const { taking } = await freeze('c1');
  const served = installation.waitForDaemon();
  installation.killDaemon();
  await expect.poll(packers, AT_ONCE).toEqual([]);
  await expect.poll(() => frozenGroups(installation.runFolder), AT_ONCE).toEqual([]);
  await served;
  expect((await taking).outcome).toBe('unknown');
  await expectThawed('c1');
});

test('a sandbox that is destroyed while it is frozen is gone, and so is its packer', async () => {
  const { taking } = await freeze('c1');
  await mustBeDone(journal.destroy('c1'));
  expect((await taking).outcome).toBe('refused');
  await expect.poll(packers, SOON).toEqual([]);
  expect(readdirSync(join(installation.dataFolder, 'modules/.taken'))).toEqual([]);
  expect(readdirSync(join(installation.dataFolder, 'sandboxes'))).toEqual([]);
});
