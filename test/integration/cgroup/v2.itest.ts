import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freeControllers } from '../../support/freed-controllers.ts';
import { Installation } from '../../support/installation.ts';

/** The one slot that has a sandbox in it: the groups of starters hold no limits yet. */
function groupOf(tree: string, installation: Installation): string {
  const folder = `${tree}/squash-${installation.runFolder.split('/').at(-1)}`;
  const slots = readdirSync(folder).filter((name) => /^s\d{4}$/.test(name));
  const limited = slots.filter((slot) => readFileSync(`${folder}/${slot}/pids.max`, 'utf8').trim() === '1024');
  expect(limited).toHaveLength(1);
  return `${folder}/${limited[0]}`;
}

const FORKS = 'i=0; while [ $i -lt 1500 ]; do sleep 100 & i=$((i+1)); done';

test('limits are in force where the controllers are on cgroup v2', async ({ skip }) => {
  await using freed = await freeControllers(['cpu', 'pids']);
  if (freed === undefined) return skip('the cpu and pids controllers cannot be taken from cgroup v1 on this host');
  await using installation = await Installation.start();
  const path = '/cgi-bin/api/sandboxes';
  expect((await installation.call('POST', path, { id: 'two', cpu: 0.5 })).status).toBe(201);
  const group = groupOf(freed.tree, installation);
  expect(readFileSync(`${group}/cpu.max`, 'utf8').trim()).toBe('50000 100000');

  const busy = { cmd: 'timeout 1 sh -c "while :; do :; done"' };
  await installation.call('POST', `${path}/two/exec`, busy);
  expect(Number(/nr_throttled (\d+)/.exec(readFileSync(`${group}/cpu.stat`, 'utf8'))?.[1])).toBeGreaterThan(0);

  const forks = await installation.call('POST', `${path}/two/exec`, { cmd: FORKS, timeout: 20 });
  expect(forks.body).toMatchObject({ stderr: expect.stringMatching(/fork/) });
  expect(Number(/max (\d+)/.exec(readFileSync(`${group}/pids.events`, 'utf8'))?.[1])).toBeGreaterThan(0);
  expect((await installation.call('DELETE', `${path}/two`)).status).toBe(204);
});
