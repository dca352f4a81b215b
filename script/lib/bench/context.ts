import type { Line } from './line.ts';

/** What a group of lines gets from whoever runs it. */
export interface BenchContext {
  /** How often a thing is done whose distribution is asked for. */
  readonly rounds: number;
  /** How often a thing is done that takes seconds. */
  readonly repeats: number;
}

/** Lines that are measured together, so that each stands beside its yardsticks. */
export interface BenchGroup {
  readonly name: string;
  readonly about: string;
  /** Too long for a run without `--full`. */
  readonly isLong?: true;
  measure(context: BenchContext): Promise<readonly Line[]>;
}

/** Milliseconds that something took. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
