import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FRAME, FrameDecoder, type FrameType, PAYLOAD_MAX_BYTES } from './frames.ts';

const TYPES = Object.values(FRAME) as FrameType[];

function decode(pieces: readonly Buffer[]): { type: number; payload: string }[] {
  const decoder = new FrameDecoder();
  const frames = pieces.flatMap((piece) => [...decoder.push(piece)]);
  expect(decoder.isBetweenFrames).toBe(true);
  return frames.map(({ type, payload }) => ({ type, payload: payload.toString('hex') }));
}

test('FrameDecoder gives back what encodeFrame was given, wherever the stream is cut', () => {
  const frame = fc.record({ type: fc.constantFrom(...TYPES), payload: fc.uint8Array({ maxLength: 300 }) });
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 8 }),
      fc.array(fc.nat({ max: 3000 }), { maxLength: 12 }),
      (frames, cuts) => {
        const stream = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
        const ends = [...cuts.filter((cut) => cut < stream.length).toSorted((a, b) => a - b), stream.length];
        const pieces = ends.map((end, index) => stream.subarray(ends[index - 1] ?? 0, end));
        expect(decode(pieces)).toEqual(
          frames.map(({ type, payload }) => ({ type, payload: Buffer.from(payload).toString('hex') })),
        );
      },
    ),
  );
});

test('FrameDecoder takes the largest frame, one byte at a time at its edges', () => {
  const frame = encodeFrame(FRAME.STDOUT, Buffer.alloc(PAYLOAD_MAX_BYTES, 7));
  expect(decode([frame.subarray(0, 1), frame.subarray(1, 8), frame.subarray(8, -1), frame.subarray(-1)])).toHaveLength(
    1,
  );
});

describe('FrameDecoder refuses at the header, before it keeps a byte of the payload', () => {
  const good = encodeFrame(FRAME.STDOUT, Buffer.from('x'));
  const spoil = (change: (frame: Buffer) => void): Buffer => {
    const frame = Buffer.from(good);
    change(frame);
    return frame.subarray(0, 8);
  };
  test.each([
    ['a longer payload', spoil((frame) => frame.writeUInt32LE(PAYLOAD_MAX_BYTES + 1, 0))],
    ['4 GiB', spoil((frame) => frame.writeUInt32LE(0xffff_ffff, 0))],
    ['another version', spoil((frame) => frame.writeUInt8(2, 5))],
    ['a reserved field that is set', spoil((frame) => frame.writeUInt16LE(1, 6))],
  ])('%s', (_, header) => {
    expect(() => [...new FrameDecoder().push(header)]).toThrow(expect.objectContaining({ code: 'AGENT_FAILED' }));
  });
});
