import { expect, test } from 'vitest';
import { median, quantile } from './samples.ts';

test('quantile() takes a value that was measured, by rank', () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(quantile(samples, 0.5)).toBe(50);
  expect(quantile(samples, 0.99)).toBe(99);
  expect(quantile(samples, 1)).toBe(100);
  expect(quantile([7], 0.99)).toBe(7);
});

test('the median of nothing is no number', () => {
  expect(median([])).toBeNaN();
  expect(median([9, 1, 5])).toBe(5);
});
