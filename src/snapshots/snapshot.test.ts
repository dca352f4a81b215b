import { expect, test } from 'vitest';
import { snapshotOf } from '../../test/support/snapshot-of.ts';
import { formatCheckedLine } from '../lib/checked-line.ts';
import { byAge, digestsOf, formatSnapshot, parseSnapshot } from './snapshot.ts';

const first = snapshotOf('a', 's1');
const second = snapshotOf('a', 's2', first);

test('a record comes back as it was written', () => {
  expect(parseSnapshot(formatSnapshot(second))).toEqual(second);
});

test('a record of which any bit was flipped is refused', () => {
  const text = Buffer.from(formatSnapshot(second).trimEnd());
  for (let bit = 0; bit < text.length * 8; bit++) {
    const flipped = Buffer.from(text);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => parseSnapshot(flipped.toString()), `bit ${bit}`).toThrow('the checksum is wrong');
  }
});

test('a record that was cut anywhere is refused, an empty one too', () => {
  const text = formatSnapshot(second).trimEnd();
  for (let length = 0; length < text.length; length++)
    expect(() => parseSnapshot(text.slice(0, length))).toThrow('the checksum is wrong');
});

test.each<[string, object, RegExp]>([
  ['of a newer version', { format: 2 }, /format/],
  ['with a field that nobody knows', { colour: 'red' }, /colour/],
  ['without a field', { digest: undefined }, /digest/],
  ['with a digest that is none', { digest: 'a'.repeat(63) }, /digest/],
  ['with a label that is a path', { label: '../s1' }, /label/],
  ['with an id that is a path', { sandbox: '..' }, /sandbox|id/],
  ['with half a size', { sizeBytes: 1.5 }, /sizeBytes/],
  ['with less than nothing lost', { lost: { ...second.lost, sockets: -1 } }, /sockets/],
  ['with a parent of no bytes', { parent: { sandbox: 'a', label: 's1' } }, /parent/],
  ['with a layer of no name', { layers: [{ name: 'base', digest: first.digest }] }, /layer/],
  ['of no time', { created: 'yesterday' }, /created/],
])('a record %s is refused, its checksum being right', (_what, change, why) => {
  expect(() => parseSnapshot(formatCheckedLine({ ...second, ...change }))).toThrow(why);
  expect(parseSnapshot(formatCheckedLine({ ...second }))).toEqual(second);
});

test('byAge() puts the oldest first, and of one moment the label decides', () => {
  const later = { ...first, created: '2026-02-13T10:00:00.001Z' };
  expect([later, second, first].toSorted(byAge)).toEqual([first, second, later]);
});

test('digestsOf() names the bytes of the snapshot and of its layers', () => {
  expect(digestsOf(second)).toEqual([second.digest, ...second.layers.map(({ digest }) => digest)]);
});
