import { expect, test } from 'vitest';
import { automaticLabel } from './automatic-label.ts';

const now = new Date('2026-02-13T10:20:30.999Z');

test('automaticLabel() is the second in UTC', () => {
  expect(automaticLabel(now, () => false)).toBe('20260213-102030');
});

test('automaticLabel() counts on within one second', () => {
  const taken = new Set<string>();
  const labels = Array.from({ length: 4 }, () => {
    const label = automaticLabel(now, (each) => taken.has(each));
    taken.add(label);
    return label;
  });
  expect(labels).toEqual(['20260213-102030', '20260213-102030-2', '20260213-102030-3', '20260213-102030-4']);
});
