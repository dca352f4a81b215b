import { expect, test } from 'vitest';
import { allDone } from './all-done.ts';

test('allDone() gives the results in order', async () => {
  expect(await allDone([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2]);
});

test('allDone() rejects with the first failure, and not before all have settled', async () => {
  const slow = Promise.withResolvers<string>();
  let settled = false;
  const all = allDone([Promise.reject(new Error('no')), slow.promise]).finally(() => {
    settled = true;
  });
  all.catch(() => {});
  await new Promise(setImmediate);
  expect(settled).toBe(false);
  slow.resolve('done');
  await expect(all).rejects.toThrow('no');
});
