import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LayerName, parseLayerName } from './ids.ts';
import { orderLayers } from './layer-stack.ts';

const named = (...names: string[]) => names.map(parseLayerName);

test('orderLayers() puts the highest number last, and orders equal numbers by name', () => {
  expect(orderLayers(named('100-nodejs22', '000-base', '100-go', '012-dns'))).toEqual([
    '000-base',
    '012-dns',
    '100-go',
    '100-nodejs22',
  ]);
});

test('orderLayers() leaves what it was given as it was', () => {
  const given = named('100-b', '000-a');
  orderLayers(given);
  expect(given).toEqual(['100-b', '000-a']);
});

test.each([
  ['no layer', [], 'layers must name at least one layer'],
  ['a layer twice', ['100-b', '000-a', '100-b'], 'layers names "100-b" twice'],
  ['too many', Array.from({ length: 129 }, (_, index) => `000-l${index}`), 'layers may name at most 128 layers'],
])('orderLayers() refuses %s', (_, names, message) => {
  expect(() => orderLayers(named(...names))).toThrow(message);
});

test('orderLayers() gives one order, whatever the order of asking', () => {
  const name = fc.stringMatching(/^[0-9]{3}-[a-z0-9._]{1,8}$/).filter((each) => !each.includes('..'));
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 20 }), (names) => {
      const ordered = orderLayers(names as LayerName[]);
      expect(orderLayers(names.toReversed() as LayerName[])).toEqual(ordered);
      expect(ordered.map((each) => each.slice(0, 3))).toEqual(names.map((each) => each.slice(0, 3)).toSorted());
    }),
  );
});
