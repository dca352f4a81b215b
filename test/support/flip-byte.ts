import { closeSync, openSync, readSync, statSync, utimesSync, writeSync } from 'node:fs';
import { expect } from 'vitest';

/** Changes one bit of a file, in place; a position below zero counts from its end. */
export function flipByte(path: string, position: number): void {
  const at = position < 0 ? statSync(path).size + position : position;
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  expect(readSync(file, byte, 0, 1, at)).toBe(1);
  writeSync(file, Buffer.from([byte.readUInt8() ^ 1]), 0, 1, at);
  closeSync(file);
}

/** Does something to a file and sets its times back, as far as that can be done: the kernel keeps the time of the change. */
export function keepingTimes(path: string, change: () => void): void {
  // Of times in seconds, which utimes(2) takes through a double, the last digits are lost: they are whole before and after.
  const whole = (ms: number) => Math.floor(ms / 1000);
  const { atimeMs, mtimeMs, size } = statSync(path);
  utimesSync(path, whole(atimeMs), whole(mtimeMs));
  change();
  utimesSync(path, whole(atimeMs), whole(mtimeMs));
  expect(statSync(path)).toMatchObject({ mtimeMs: whole(mtimeMs) * 1000, size });
}
