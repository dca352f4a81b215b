import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from './run.ts';

/** Compiles the C files of a folder into a static program in a temporary folder of its own, named as the folder, and returns its path. */
export function buildStaticProgram(sources: string, includes: readonly string[] = []): string {
  const program = join(mkdtempSync(join(tmpdir(), 'program-')), basename(sources));
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
  const flags = ['-D_GNU_SOURCE', '-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-static'];
  const argv = ['gcc', ...flags, ...includes.map((folder) => `-I${folder}`), '-o', program];
  const { status, stderr } = run([...argv, ...files.map((name) => join(sources, name))]);
  if (status !== 0) throw new Error(`Cannot build ${sources}: ${stderr}`);
  return program;
}
