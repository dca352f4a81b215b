import type { BenchGroup } from './context.ts';
import { create } from './lines/create.ts';
import { exec } from './lines/exec.ts';

/** In the order of docs/performance.md. */
export const groups: readonly BenchGroup[] = [create, exec];
