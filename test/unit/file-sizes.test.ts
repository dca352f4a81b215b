import { expect, test } from 'vitest';
import { readProjectFiles } from '../support/project-files.ts';

const MOST_LINES = 400;

function countLines(text: string): number {
  return text.split('\n').length - 1;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? Number.NaN;
}

const code = readProjectFiles(/^(src|native|test|script)\/.*\.(ts|mjs|c|h|sh)$|^script\/[^/.]+$/);

test(`no file of code has more than ${MOST_LINES} lines`, () => {
  expect(code.length).toBeGreaterThan(100);
  const long = code
    .map(({ path, text }) => `${countLines(text)} ${path}`)
    .filter((line) => Number.parseInt(line, 10) > MOST_LINES);
  expect(long).toEqual([]);
});

test('files of src/ are small: half of them within 100 lines, nine of ten within 250', () => {
  const sizes = code.filter(({ path }) => path.startsWith('src/')).map(({ text }) => countLines(text));
  expect(quantile(sizes, 0.5)).toBeLessThanOrEqual(100);
  expect(quantile(sizes, 0.9)).toBeLessThanOrEqual(250);
});

test('lines and quantiles are counted as people count them', () => {
  expect(countLines('a\nb\n')).toBe(2);
  expect(quantile([9, 1, 5], 0.5)).toBe(5);
  expect(
    quantile(
      Array.from({ length: 11 }, (_, index) => index),
      0.9,
    ),
  ).toBe(9);
});
