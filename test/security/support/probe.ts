import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FillLayer } from '../../support/fixture-layers.ts';
import { PROJECT_ROOT } from '../../support/project-files.ts';
import { buildStaticProgram } from '../../support/static-program.ts';

/** Compiles the probe into a temporary folder of its own and returns its path. */
export function buildProbe(): string {
  return buildStaticProgram(join(import.meta.dirname, '../probes'), [join(PROJECT_ROOT, 'native')]);
}

/** A layer that holds the probe as `/probe`. */
export function probeLayer(program: string): FillLayer {
  return (folder) => {
    copyFileSync(program, join(folder, 'probe'));
    chmodSync(join(folder, 'probe'), 0o755);
    mkdirSync(join(folder, 'mnt'));
  };
}
