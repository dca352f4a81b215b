import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const PROJECT_ROOT = join(import.meta.dirname, '../..');

export interface ProjectFile {
  /** From the root of the project. */
  readonly path: string;
  readonly text: string;
}

/** Every file that git tracks or would track, except those that are binary; `pattern` is matched with the path. */
export function readProjectFiles(pattern: RegExp): ProjectFile[] {
  // safe.directory: root may test a clone that belongs to somebody else.
  const listing = execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: PROJECT_ROOT,
      encoding: 'utf8',
    },
  );
  return listing
    .split('\0')
    .filter((path) => path !== '' && pattern.test(path) && existsSync(join(PROJECT_ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(PROJECT_ROOT, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}
