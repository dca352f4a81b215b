import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CaptureSite } from '../../support/capture-site.ts';
import { comeBack } from './come-back.ts';

/** cap_net_raw, permitted and effective, in the layout of vfs_cap_data's second version (linux/capability.h). */
const NET_RAW = '0100000200200000000000000000000000000000';

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start();
});
afterAll(() => site?.[Symbol.asyncDispose]());
beforeEach(() => site.restore());

test('capture() brings back user attributes, of any bytes and as long as they can be', async () => {
  const long = 'ab'.repeat(3500);
  const { lost, seen } = await comeBack(
    site,
    `echo > a; /tree attribute a user.zero ''; /tree attribute a user.bytes 00ff0a3d0a00; /tree attribute a user.n${'n'.repeat(240)} 01; mkdir d; /tree attribute d user.d 64; echo > b; /tree attribute b user.long ${long}`,
  );
  expect(seen).toMatch(/^\/a .* user\.bytes=\\00\\ff\\0a=\\0a\\00 user\.n+=\\01 user\.zero=$/m);
  expect(seen).toMatch(/^\/b .* user\.long=(\\ab){3500}$/m);
  expect(lost).toMatchObject({ attributes: 0, accessLists: 0 });
});

test('capture() brings back what a sandbox itself marks as overlayfs does', async () => {
  const { seen } = await comeBack(
    site,
    'mkdir d; echo > d/f; for n in opaque whiteout origin redirect x; do /tree attribute d user.overlay.$n 79; done; echo > w; /tree attribute w user.overlay.whiteout 79',
  );
  expect(seen).toMatch(
    /^\/d .* user\.overlay\.opaque=y user\.overlay\.origin=y user\.overlay\.redirect=y user\.overlay\.whiteout=y user\.overlay\.x=y$/m,
  );
  expect(seen).toMatch(/^\/d\/f /m);
  expect(seen).toMatch(/^\/w .* user\.overlay\.whiteout=y$/m);
});

test('capture() brings back file capabilities, and counts attributes that it cannot', async () => {
  const { lost, seen } = await comeBack(
    site,
    `cp /bin/busybox ping; /tree attribute ping security.capability ${NET_RAW}`,
  );
  expect(seen).toMatch(/^\/ping .* security\.capability=\\01\\00\\00\\02/m);
  expect(lost).toMatchObject({ attributes: 0 });
  await site.sh('echo > /t/equals; /tree attribute /t/equals user.a=b 01');
  expect((await site.capture()).lost.attributes).toBe(1);
});
