import { expect, test } from 'vitest';
import { judge } from './line.ts';
import { formatTable } from './table.ts';

test('formatTable() fits 80 columns and says what is missed', () => {
  const lines = formatTable([
    judge({
      name: 'create to first echo, p50',
      value: 4.123,
      unit: 'ms',
      goal: 5,
      yardsticks: [{ name: 'crun run', value: 4.5, maxRatio: 0.8 }],
    }),
  ]);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^create to first echo, p50 +4\.12 ms +≤ 5 ms +yes$/);
  expect(lines[2]).toMatch(/^ {2}÷ crun run, 4\.50 ms +0\.916 × +≤ 0\.8 × +NO$/);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});
