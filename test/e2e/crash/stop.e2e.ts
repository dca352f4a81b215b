import { afterAll, beforeAll, expect, test } from 'vitest';
import { Installation } from '../../support/installation.ts';
import { expectJournalKept } from './after-crash.ts';
import { Journal } from './journal.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation[Symbol.asyncDispose]());

test('a stop under load ends in time, and the next start finds what was acknowledged', async () => {
  const journal = new Journal(installation);
  for (let round = 0; round < 5; round++) {
    const elder = journal.newId();
    expect(await journal.create(elder)).toMatchObject({ outcome: 'done' });
    const calls = [journal.exec(elder, 'setsid sleep 1000 & sleep 1000'), journal.exec(elder, 'yes')];
    for (let i = 0; i < 3; i++) calls.push(journal.create(journal.newId()));
    // So many turns later, the creates have come further.
    for (let i = 0; i < round; i++) await installation.call('GET', '/cgi-bin/health');
    calls.push(journal.destroy(elder));
    const begin = performance.now();
    await installation.stop('SIGTERM');
    // The broker would end a daemon by force after 10 s.
    expect(performance.now() - begin).toBeLessThan(10_000);
    await Promise.all(calls);
    await installation.start();
    const { ids } = await expectJournalKept(installation, journal);
    for (const id of ids) expect(await journal.destroy(id)).toMatchObject({ outcome: 'done' });
  }
});
