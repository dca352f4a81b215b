import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CaptureSite } from '../../support/capture-site.ts';
import { comeBack } from './come-back.ts';

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start();
});
afterAll(() => site?.[Symbol.asyncDispose]());
beforeEach(() => site.restore());

test('capture() brings back times to the second, and counts those that it moves or cuts', async () => {
  const times = [0, 1, 2_147_483_647, 2_147_483_648, 4_294_967_295];
  const { lost, seen } = await comeBack(
    site,
    `${times.map((time) => `echo > t${time}; /tree time t${time} ${time} 0`).join('; ')}; ln -s x l; /tree time l 77 0; mkfifo p; /tree time p 78 0; mkdir d; /tree time d 79 0; /tree time . 80 0`,
  );
  for (const time of times) expect(seen).toMatch(new RegExp(`^/t${time} 100644 0:0 ${time} `, 'm'));
  expect(seen).toMatch(/^\/l 120777 0:0 77 /m);
  expect(lost).toMatchObject({ times: 0 });
  await site.sh('cd /t; for t in -1 4294967296; do echo > o$t; /tree time o$t $t 5; done; echo > s; /tree time s 90 0');
  const { subsecondTimes } = (await site.capture()).lost;
  await site.sh('/tree time /t/s 90 999999999');
  const next = await site.capture();
  expect(next.lost.times).toBe(2);
  expect(next.lost.subsecondTimes).toBe(subsecondTimes + 1);
  await site.restore(next.digest);
  expect(await site.sh('stat -c %Y /t/o-1 /t/o4294967296 /t/s')).toBe('0\n4294967295\n90\n');
});

test('capture() brings back mode, owner and time of the root folder, and counts its attributes', async () => {
  await site.sh('echo > /t; chown 5:6 /t; chmod 1751 /; chown 5:6 /; /tree time / 77 0');
  const first = await site.capture();
  expect(first.lost.attributes).toBe(0);
  await site.restore();
  expect(await site.sh('stat -c "%a %u %g" /')).toBe('755 0 0\n');
  await site.restore(first.digest);
  expect(await site.sh('stat -c "%a %u %g %Y" /')).toBe('1751 5 6 77\n');
  await site.sh('chown 0:0 /; /tree attribute / user.root 01');
  expect((await site.capture()).lost.attributes).toBe(1);
});

test('capture() gives the same bytes at another time, and counts an owner of the root folder that owns nothing else', async () => {
  const second = () => Math.floor(Date.now() / 1000);
  await site.sh('mkdir /t; chown 7:0 /');
  const started = second();
  const first = await site.capture();
  expect(first.lost.attributes).toBe(1);
  await expect.poll(second).toBeGreaterThan(started);
  expect((await site.capture()).digest).toBe(first.digest);
});
