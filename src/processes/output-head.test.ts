import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OUTPUT_HEAD_BYTES, OutputHead } from './output-head.ts';

function headOf(...pieces: (Buffer | string)[]): OutputHead {
  const head = new OutputHead();
  for (const piece of pieces) head.push(Buffer.from(piece));
  return head;
}

test('OutputHead keeps everything up to its limit, trailing newlines too', () => {
  expect(headOf('a\n', 'b\n\n').text()).toBe('a\nb\n\n');
  const full = headOf(Buffer.alloc(OUTPUT_HEAD_BYTES, 'x'));
  expect(full.text()).toHaveLength(OUTPUT_HEAD_BYTES);
  expect(full.truncated).toBe(false);
});

test('OutputHead cuts one byte more, and says so', () => {
  const head = headOf(Buffer.alloc(OUTPUT_HEAD_BYTES, 'x'), 'y');
  expect(head.text()).toBe('x'.repeat(OUTPUT_HEAD_BYTES));
  expect(head.truncated).toBe(true);
});

test('OutputHead is not truncated by nothing', () => {
  expect(headOf(Buffer.alloc(OUTPUT_HEAD_BYTES), '').truncated).toBe(false);
});

test.each(['ä', '€', '😀'])('OutputHead never cuts "%s" in two', (character) => {
  const size = Buffer.byteLength(character);
  for (let before = OUTPUT_HEAD_BYTES - size + 1; before <= OUTPUT_HEAD_BYTES; before++) {
    const head = headOf(Buffer.alloc(before, 'x'), character, 'more');
    expect(head.text()).toBe('x'.repeat(before));
    expect(head.truncated).toBe(true);
  }
});

test('OutputHead replaces what is not UTF-8, also at its end', () => {
  expect(headOf(Buffer.from([0x61, 0xff, 0x62, 0xc3])).text()).toBe('a\ufffdb\ufffd');
  const head = headOf(Buffer.alloc(OUTPUT_HEAD_BYTES - 1, 'x'), Buffer.from([0x80, 0x80]));
  expect(head.text()).toBe(`${'x'.repeat(OUTPUT_HEAD_BYTES - 1)}\ufffd`);
});

test('OutputHead keeps a byte order mark', () => {
  expect(headOf('\ufeffa').text()).toBe('\ufeffa');
});

test('OutputHead gives valid text the same however it is cut into pieces', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 1, max: 7 }), (text, step) => {
      const bytes = Buffer.from(text.repeat(500));
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += step * 97) pieces.push(bytes.subarray(at, at + step * 97));
      const head = headOf(...pieces);
      expect(head.truncated).toBe(bytes.length > OUTPUT_HEAD_BYTES);
      expect(text.repeat(500).startsWith(head.text())).toBe(true);
      expect(Buffer.byteLength(head.text())).toBeGreaterThan(Math.min(bytes.length, OUTPUT_HEAD_BYTES) - 4);
    }),
    { numRuns: 30 },
  );
});
