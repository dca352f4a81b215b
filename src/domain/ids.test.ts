import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSandboxId, labelOf, newUpperId, parseDigest, parseLayerName, parseSandboxId, parseUpperId } from './ids.ts';

test.each(['a', 'ci-7', '_', 'A_b-9', 'x'.repeat(64)])('parseSandboxId() accepts "%s"', (id) => {
  expect(parseSandboxId(id)).toBe(id);
});

test.each(['-a', 'a-', '.', '..', 'a/b', 'a b', 'ä', 'a\n', 'a\0', 'x'.repeat(65), 7, {}, ['a']])(
  'parseSandboxId() refuses %j',
  (id) => {
    expect(() => parseSandboxId(id)).toThrow('invalid id: ');
  },
);

test.each([undefined, null, ''])('parseSandboxId() asks for the id when it is %j', (id) => {
  expect(() => parseSandboxId(id)).toThrow('id required');
});

test.each(['000-base-alpine', '100-python3.12', `999-${'x'.repeat(124)}`])('parseLayerName() accepts "%s"', (name) => {
  expect(parseLayerName(name)).toBe(name);
});

test.each([
  'base',
  '00-a',
  '0000-a',
  '000-',
  '000-a..b',
  '000-a/b',
  '000-a\n',
  `000-${'x'.repeat(125)}`,
  ' 000-a',
  null,
])('parseLayerName() refuses %j', (name) => {
  expect(() => parseLayerName(name)).toThrow('invalid layer name');
});

test('no id or layer name that is accepted can leave its folder', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (text) => {
      if (isSandboxId(text)) expect(text).not.toMatch(/[/.\0\s]/);
      try {
        expect(parseLayerName(text)).not.toMatch(/[/\0\s]|\.\./);
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      }
    }),
  );
});

test('parseDigest() and parseUpperId() take lower-case hex of their length only', () => {
  expect(parseDigest('0f'.repeat(32))).toBe('0f'.repeat(32));
  expect(parseUpperId('0f'.repeat(8))).toBe('0f'.repeat(8));
  for (const wrong of ['', '0F'.repeat(32), 'g'.repeat(64), '0'.repeat(63), 5, undefined]) {
    expect(() => parseDigest(wrong)).toThrow('invalid digest');
    expect(() => parseUpperId(wrong)).toThrow('invalid upper');
  }
});

test('labelOf() is the beginning of the SHA-256 of the id, as the broker checks it', () => {
  expect(labelOf(parseSandboxId('ci-7'))).toBe('f139bf3f19d169aa');
});

test('newUpperId() gives a fresh name each time', () => {
  expect(new Set(Array.from({ length: 100 }, newUpperId)).size).toBe(100);
  expect(parseUpperId(newUpperId())).toHaveLength(16);
});
