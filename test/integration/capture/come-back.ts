import { expect } from 'vitest';
import type { Losses } from '../../../src/runtime/runtime.ts';
import type { CaptureSite } from '../../support/capture-site.ts';

export interface Seen {
  readonly lost: Losses;
  /** What the walker says of each file, a line each. */
  readonly seen: string;
  readonly count: number;
}

/** Makes files in `/t`, captures them twice, and expects equal bytes, and the files back as they were. */
export async function comeBack(site: CaptureSite, line: string): Promise<Seen> {
  await site.sh(`mkdir /t; cd /t; ${line}`);
  const before = await site.walk('/t');
  const { digest, lost } = await site.capture();
  expect((await site.capture()).digest).toBe(digest);
  await site.restore(digest);
  expect(await site.walk('/t')).toEqual(before);
  return { lost, seen: before.join('\n'), count: before.length };
}
