import { expect, test } from 'vitest';
import { parsePasswd, parseSubordinateIds } from './build-user.ts';

test('parsePasswd() finds a user by its whole name', () => {
  const passwd =
    'root:x:0:0::/root:/bin/sh\nsquash-build2:x:5:6::/:/bin/false\nsquash-build:x:994:993::/nonexistent:/sbin/nologin\n';
  expect(parsePasswd(passwd, 'squash-build')).toEqual({ uid: 994, gid: 993 });
  expect(parsePasswd(passwd, 'squash')).toBeUndefined();
});

test.each([
  ['squash-build:100000:65536', 100_000],
  ['994:300000:65536', 300_000],
  ['other:100000:65536\nsquash-build:200000:131072', 200_000],
  ['squash-build:100000:1000', undefined],
  ['squash-builder:100000:65536', undefined],
  ['', undefined],
])('parseSubordinateIds() reads %j', (subuid, first) => {
  expect(parseSubordinateIds(subuid, { name: 'squash-build', uid: 994 })).toBe(first);
});
