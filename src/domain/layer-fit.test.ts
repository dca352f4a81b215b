import { expect, test } from 'vitest';
import { checkFit } from './layer-fit.ts';

const layer = (name: string, libc: string, arch = 'x86_64') => ({ name, libc, arch });
const BASE = layer('000-base-alpine', 'musl');

test('checkFit() accepts layers of one libc, and layers without any', () => {
  const stacks = [
    [BASE, layer('100-nodejs', 'musl'), layer('300-deps', 'none', 'any')],
    [layer('300-deps', 'none', 'any'), layer('301-more', 'none')],
  ];
  for (const stack of stacks) expect(() => checkFit(stack, 'x86_64')).not.toThrow();
});

test('checkFit() refuses a glibc layer on a musl base by name', () => {
  expect(() => checkFit([BASE, layer('300-deps', 'none'), layer('100-nodejs', 'glibc')], 'x86_64')).toThrow(
    expect.objectContaining({
      code: 'LAYER_LIBC_MISMATCH',
      message: 'Cannot stack layer "100-nodejs" on "000-base-alpine": it is made for glibc, and the base has musl',
    }),
  );
});

test('checkFit() refuses a layer for another processor', () => {
  expect(() => checkFit([layer('000-base', 'glibc', 'aarch64')], 'x86_64')).toThrow(
    expect.objectContaining({
      code: 'LAYER_ARCH_MISMATCH',
      message: 'Cannot use layer "000-base": it is made for aarch64, and this host is x86_64',
    }),
  );
});
