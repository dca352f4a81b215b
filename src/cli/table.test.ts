import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

const COLUMNS = [
  { title: 'ID', minWidth: 4 },
  { title: 'LAYERS', minWidth: 6 },
  { title: 'SIZE', align: 'right' },
] as const;

test('formatTable() aligns words left and numbers right', () => {
  expect(
    formatTable(COLUMNS, [
      ['dev', 'a,b', '5 B'],
      ['ci', 'a', '12 KiB'],
    ]),
  ).toEqual(['ID   LAYERS    SIZE', 'dev  a,b        5 B', 'ci   a       12 KiB']);
});

test('formatTable() cuts the widest column that may be cut, and marks it', () => {
  const [head, row] = formatTable(COLUMNS, [['development', '000-base-debian,100-nodejs24', '4 KiB']], 30);
  expect(head).toBe('ID          LAYERS        SIZE');
  expect(row).toBe('developme…  000-base-d…  4 KiB');
});

test('formatTable() shows control characters as spaces: a sandbox cannot drive the terminal', () => {
  expect(formatTable([{ title: 'CMD' }], [['a\x1b[31mb\nc\u202Ed']])).toEqual(['CMD', 'a [31mb c d']);
});

test('formatTable() stays within the width as long as the columns that are never cut fit', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell, fc.constant('9 MiB'))),
      fc.integer({ min: 24, max: 100 }),
      (rows, width) => {
        const lines = formatTable(COLUMNS, rows, width);
        expect(lines).toHaveLength(rows.length + 1);
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width);
      },
    ),
  );
});
