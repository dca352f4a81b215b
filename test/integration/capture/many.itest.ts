import { expect, test } from 'vitest';
import { CaptureSite } from '../../support/capture-site.ts';

const MIB = 1024 * 1024;

const sumOf = (site: CaptureSite) =>
  site.sh('/tree walk /t > /dev/shm/seen; sha256sum < /dev/shm/seen; wc -l < /dev/shm/seen; rm /dev/shm/seen');

test('capture() brings back 100,000 files', async () => {
  await using site = await CaptureSite.start({ upper: { sizeBytes: 2048 * MIB } });
  await site.sh('mkdir /t; /tree many /t 100000');
  const before = await sumOf(site);
  expect(before).toMatch(/\n100101\n$/);
  const { digest } = await site.capture();
  await site.restore(digest);
  expect(await sumOf(site)).toBe(before);
});

test('capture() of a full writable layer brings it back, and the sandbox can go on', async () => {
  await using site = await CaptureSite.start({ upper: { sizeBytes: 64 * MIB } });
  await site.sh(
    'mkdir /t; cd /t; dd if=/dev/urandom of=part bs=1M count=20 2>/dev/null; cp part again; cat /dev/zero > rest || true; echo x > one || true',
  );
  expect(await site.sh('df -k / | awk "NR == 2 { print \\$4 }"')).toMatch(/^\d{1,3}\n$/);
  const before = await sumOf(site);
  const { digest, sizeBytes } = await site.capture();
  expect(sizeBytes).toBeGreaterThan(20 * MIB);
  expect(await sumOf(site)).toBe(before);
  await site.restore(digest);
  expect(await sumOf(site)).toBe(before);
  await site.sh('echo more > /t/more; rm /t/rest');
});
