import { expect, test } from 'vitest';
import { isExpired } from './reaper-command.ts';

const NOW = new Date('2026-02-13T10:00:00Z');

test.each([
  [null, false],
  ['2026-02-13T10:00:01Z', false],
  ['2026-02-13T10:00:00Z', true],
  ['2026-02-13T09:59:59Z', true],
])('a sandbox that expires at %s is over: %s', (expires, over) => {
  expect(isExpired({ expires }, NOW)).toBe(over);
});
