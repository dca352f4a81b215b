import { expect, test } from 'vitest';
import { KeyedMutex } from './keyed-mutex.ts';

test('KeyedMutex runs work of one key one at a time, in the order of asking', async () => {
  const mutex = new KeyedMutex<string>();
  const events: string[] = [];
  const work = (name: string) => async () => {
    events.push(`${name} begins`);
    await Promise.resolve();
    events.push(`${name} ends`);
  };
  await Promise.all([mutex.run('k', work('a')), mutex.run('k', work('b')), mutex.run('k', work('c'))]);
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('KeyedMutex lets different keys overlap', async () => {
  const mutex = new KeyedMutex<string>();
  const first = Promise.withResolvers<void>();
  const slow = mutex.run('a', () => first.promise);
  await mutex.run('b', async () => first.resolve());
  await expect(slow).resolves.toBeUndefined();
});

test('KeyedMutex goes on after a failure and keeps nothing for idle keys', async () => {
  const mutex = new KeyedMutex<string>();
  const failing = mutex.run('k', () => Promise.reject(new Error('no')));
  const next = mutex.run('k', async () => 'next');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('next');
  expect(mutex.size).toBe(0);
});
