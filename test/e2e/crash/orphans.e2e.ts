// What a broker that is killed leaves behind must not keep the next one from starting: a child of it has the lock of the state root.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';
import { livingProcesses } from '../../support/living-processes.ts';
import { Journal } from './journal.ts';
import { mustBeDone } from './redeem.ts';

/** Where a worker makes a user namespace, a child waits in it until it is killed. Delayed so far, it is seen in between. */
const DELAY_MICROS = 1_000_000;
const SOON = { timeout: 5000, interval: 5 };

/** Workers of the broker, and their children. */
const workers = () => livingProcesses('squash-worker');

const isTraced = (pid: number) => !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

test('a broker that is killed while a worker makes a user namespace leaves nobody', async () => {
  await using installation = await Installation.start();
  const journal = new Journal(installation);
  await mustBeDone(journal.create('c1'));
  await mustBeDone(journal.write('c1'));
  const inject = `inject=kill:delay_enter=${DELAY_MICROS}`;
  const words = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=kill',
    '-e',
    inject,
    '-p',
    String(installation.brokerPid),
  ];
  const strace = spawn('strace', words, { stdio: 'ignore' });
  const straceEnded = once(strace, 'exit');
  await expect.poll(() => isTraced(installation.brokerPid), SOON).toBe(true);

  const taking = journal.snapshot('c1', 's1');
  // A worker and, in a user namespace of its own, its child.
  const pair = async () => {
    const all = await workers();
    return all.some(({ parent }) => all.some(({ pid }) => pid === parent));
  };
  await expect.poll(pair, SOON).toBe(true);
  await installation.stop('SIGKILL');
  // Who is traced ends when its delay does.
  await expect.poll(workers, SOON).toEqual([]);
  await straceEnded;
  await installation.start();
  expect((await taking).outcome).toBe('unknown');
  await mustBeDone(journal.snapshot('c1', 's1'));
});
