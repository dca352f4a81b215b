import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CaptureSite } from '../../support/capture-site.ts';
import { comeBack } from './come-back.ts';

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start({ upper: { sizeBytes: 1024 * 1024 * 1024 } });
});
afterAll(() => site?.[Symbol.asyncDispose]());
beforeEach(() => site.restore());

test('capture() brings back modes 0000 to 7777 of files and of folders', async () => {
  const { seen, count } = await comeBack(site, '/tree modes .');
  expect(count).toBe(1 + 2 * 4096);
  expect(seen).toMatch(/^\/f7777 107777 [\s\S]*|^\/f0000 100000 /m);
  expect(seen).toMatch(/^\/d7321 47321 /m);
});

test('capture() brings back 65,534 users and groups', async () => {
  const { seen, count } = await comeBack(
    site,
    '/tree owners . 32767; : > z; chown 65535:65534 z; mkfifo p; chown 1:2 p; ln -s a l; chown -h 3:4 l',
  );
  expect(count).toBe(32_767 + 4);
  expect(seen).toMatch(/^\/32766 100600 32766:32769 /m);
  expect(seen).toMatch(/^\/z 100644 65535:65534 /m);
  expect(seen).toMatch(/^\/l 120777 3:4 /m);
});

test('capture() refuses to pack all 65,536 users and groups, which a squashfs counts as none', async () => {
  await site.sh('mkdir /t; /tree owners /t 32768');
  await expect(site.capture()).rejects.toMatchObject({
    code: 'CAPTURE_IMPOSSIBLE',
    message: expect.stringMatching(/more than 65535 users and groups, with t\/\d+/),
  });
  expect(await site.sh('echo alive')).toBe('alive\n');
});
