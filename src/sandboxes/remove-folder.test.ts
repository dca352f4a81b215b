import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeFolder } from './remove-folder.ts';

let dir: string;
let folder: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'folder-'));
  folder = join(dir, 'a');
  await mkdir(join(folder, 'log'), { recursive: true });
  await writeFile(join(folder, 'log/0001.json'), '{}');
});
afterEach(() => rm(dir, { recursive: true }));

test('removeFolder() leaves nothing of a sandbox without snapshots', async () => {
  await mkdir(join(folder, 'snapshots'));
  expect(await removeFolder(folder)).toBe(true);
  expect(await readdir(dir)).toEqual([]);
  expect(await removeFolder(folder)).toBe(false);
});

test('removeFolder() keeps the snapshots and nothing else, and says that there was nothing more to remove', async () => {
  await mkdir(join(folder, 'snapshots'));
  await writeFile(join(folder, 'snapshots/s1.json'), '');
  expect(await removeFolder(folder)).toBe(true);
  expect(await readdir(folder)).toEqual(['snapshots']);
  expect(await readdir(join(folder, 'snapshots'))).toEqual(['s1.json']);
  expect(await removeFolder(folder)).toBe(false);
  await access(join(folder, 'snapshots/s1.json'));
});
