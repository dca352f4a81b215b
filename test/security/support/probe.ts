import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FillLayer } from '../../support/fixture-layers.ts';
import { run } from '../../support/run.ts';

const SOURCES = join(import.meta.dirname, '../probes');

/** Compiles the probe into a temporary folder of its own and returns its path. */
export function buildProbe(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'probe-')), 'probe');
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
  const flags = ['-D_GNU_SOURCE', '-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-static'];
  const { status, stderr } = run(['gcc', ...flags, '-o', program, ...sources.map((name) => join(SOURCES, name))]);
  if (status !== 0) throw new Error(`Cannot build the probe: ${stderr}`);
  return program;
}

/** A layer that holds the probe as `/probe`. */
export function probeLayer(program: string): FillLayer {
  return (folder) => {
    copyFileSync(program, join(folder, 'probe'));
    chmodSync(join(folder, 'probe'), 0o755);
    mkdirSync(join(folder, 'mnt'));
  };
}
