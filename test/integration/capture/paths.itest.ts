import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CaptureSite } from '../../support/capture-site.ts';

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start({ timeoutSeconds: 10 });
});
afterAll(() => site?.[Symbol.asyncDispose]());
beforeEach(() => site.restore());

// 4,095 is the longest path that a system call takes. The image has no leading slash: `/t/` is 3 of them outside, 2 in it.
test.each([
  [4092, 1],
  [4092, 255],
  [4093, 1],
  [4093, 200],
])('capture() brings back a file at a path of %i bytes below /t, of names of %i', async (bytes, segment) => {
  await site.sh(`mkdir /t; /tree deep /t ${bytes} ${segment}`);
  const before = await site.walk('/t');
  expect(Math.max(...before.map((line) => (line.split(' ')[0] ?? '').length))).toBe(bytes + 1);
  const { digest } = await site.capture();
  await site.restore(digest);
  expect(await site.walk('/t')).toEqual(before);
});

test.each([
  [4094, 1],
  [4095, 255],
  [4300, 100],
  [60_000, 255],
])('capture() refuses a path of %i bytes below /t by name, and the sandbox goes on', async (bytes, segment) => {
  await site.sh(`mkdir /t; /tree deep /t ${bytes} ${segment}`);
  await expect(site.capture()).rejects.toMatchObject({
    code: 'CAPTURE_IMPOSSIBLE',
    message: expect.stringMatching(/more than 4095 bytes: [fd]+\.\.\. in t\/d/),
  });
  expect(await site.sh('echo alive')).toBe('alive\n');
});

test('capture() refuses a folder of 4,095 bytes that holds something', async () => {
  await site.sh('mkdir /t; /tree deep /t 4095 1; mkdir /t/empty');
  await expect(site.capture()).rejects.toMatchObject({ code: 'CAPTURE_IMPOSSIBLE' });
});

test('capture() refuses what only pretends to be huge by name, at once', async () => {
  await site.sh('mkdir /t; truncate -s 17592186040320 /t/huge');
  const begin = performance.now();
  await expect(site.capture()).rejects.toMatchObject({
    code: 'CAPTURE_IMPOSSIBLE',
    message: expect.stringMatching(/more than 256 GiB of files and holes, with t\/huge/),
  });
  expect(performance.now() - begin).toBeLessThan(10_000);
  await site.sh('rm /t/huge; for n in 1 2 3 4 5; do truncate -s 60G /t/$n; done');
  await expect(site.capture()).rejects.toMatchObject({
    code: expect.stringMatching(/CAPTURE_IMPOSSIBLE|DEADLINE_EXCEEDED/),
  });
  expect(await site.sh('rm -r /t; echo alive')).toBe('alive\n');
  expect((await site.capture()).sizeBytes).toBeGreaterThan(0);
});
