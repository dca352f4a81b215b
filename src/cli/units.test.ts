import { expect, test } from 'vitest';
import { formatBytes, formatDuration, formatSpan } from './units.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 KiB'],
  [1536, '1.5 KiB'],
  [81_920, '80 KiB'],
  [536_870_912, '512 MiB'],
  [1_050_000_000, '1 GiB'],
  [5e15, '4547 TiB'],
])('formatBytes(%d) is %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [-3, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [7_199, '1 h'],
  [200_000, '2 d'],
])('formatSpan(%d) is %s', (seconds, text) => {
  expect(formatSpan(seconds)).toBe(text);
});

test.each([
  [4, '4 ms'],
  [1234, '1.2 s'],
  [180_000, '3 min'],
])('formatDuration(%d) is %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});
