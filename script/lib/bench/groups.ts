import type { BenchGroup } from './context.ts';
import { adopt } from './lines/adopt.ts';
import { burst } from './lines/burst.ts';
import { create } from './lines/create.ts';
import { exec } from './lines/exec.ts';
import { forkBomb } from './lines/fork-bomb.ts';
import { many } from './lines/many.ts';
import { memory } from './lines/memory.ts';
import { snapshots } from './lines/snapshots.ts';
import { tti } from './lines/tti.ts';

/** In the order of docs/performance.md. */
export const groups: readonly BenchGroup[] = [create, exec, burst, memory, forkBomb, tti, snapshots, adopt, many];
