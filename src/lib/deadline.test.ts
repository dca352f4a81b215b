import { expect, test } from 'vitest';
import { settlesWithin } from './deadline.ts';

test('settlesWithin() is true for what settles, rejected or not', async () => {
  expect(await settlesWithin(Promise.resolve(), 1000)).toBe(true);
  expect(await settlesWithin(Promise.reject(new Error('no')), 1000)).toBe(true);
});

test('settlesWithin() is false for what does not', async () => {
  expect(await settlesWithin(new Promise(() => {}), 1)).toBe(false);
});
