import { expect, test } from 'vitest';
import { isMissed, judge } from './line.ts';

const line = { name: 'x', value: 4, unit: 'ms', goal: 5, yardsticks: [{ name: 'other', value: 8, maxRatio: 0.4 }] };

test('judge() holds the value to its goal and the ratio to its own', () => {
  expect(judge(line)).toMatchObject({ met: true, yardsticks: [{ ratio: 0.5, met: false }] });
  expect(isMissed(judge(line))).toBe(true);
  expect(isMissed(judge({ ...line, yardsticks: [] }))).toBe(false);
});

test('a number that was not measured is not met, and one without a goal is neither', () => {
  expect(judge({ ...line, value: Number.NaN }).met).toBe(false);
  expect(judge({ name: 'x', value: 1, unit: 'ms', yardsticks: [] }).met).toBeNull();
});
