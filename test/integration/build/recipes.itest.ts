import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { debianRecipe } from '../../../src/layers/build/recipes/debian.ts';
import { nodejs24Recipe } from '../../../src/layers/build/recipes/nodejs24.ts';
import { fetchNpmPackage } from '../../../src/layers/build/recipes/npm-package.ts';
import { imageOf, listImage, makeTestSite, type TestSite, unpackImage } from './build-site.ts';

const MINUTES = 60_000;

let here: TestSite;
let umask: number;
beforeAll(async () => {
  umask = process.umask(0o077);
  here = await makeTestSite();
});
afterAll(async () => {
  process.umask(umask);
  await here[Symbol.asyncDispose]();
});

test('a Debian base has what people expect and nothing of this host', { timeout: 10 * MINUTES }, async () => {
  const recipe = await debianRecipe('bookworm');
  const result = await here.build(recipe);
  expect(result.sidecar).toMatchObject({
    name: '000-base-debian',
    libc: 'glibc',
    arch: execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim(),
  });
  for (const name of [
    'bash',
    'coreutils',
    'curl',
    'git',
    'jq',
    'ca-certificates',
    'xz-utils',
    'procps',
    'sudo',
    'apt',
    'dpkg',
  ])
    expect(result.sidecar.packages).toHaveProperty(name, expect.stringMatching(/^[0-9]/));
  const lines = listImage(imageOf(here, result));
  expect(lines).toMatch(/^drwxr-xr-x 0\/0 .* squashfs-root$/m);
  expect(lines).toMatch(/^-rwsr-xr-x 0\/0 .* squashfs-root\/usr\/bin\/sudo$/m);
  expect(lines).not.toMatch(
    /squashfs-root\/(etc\/(resolv\.conf|hostname|apt\/apt\.conf\.d\/99mmdebstrap)|dev\/.*|var\/cache\/apt\/archives\/.*\.deb)$/m,
  );
  // The second time, nothing is built.
  expect(await here.build(recipe)).toEqual({ state: 'unchanged', sidecar: result.sidecar });
  await expect(debianRecipe('trixie').then((other) => here.build(other))).rejects.toMatchObject({
    code: 'LAYER_EXISTS',
  });
  expect(await here.leftovers()).toEqual([]);
  if (process.env.SQUASH_TEST_LONG === undefined) return;
  process.umask(0o022);
  const again = await here.build(recipe, { replace: true });
  expect(again.sidecar.sha256).toBe(result.sidecar.sha256);
});

test('the preset nodejs24 is the pinned Node.js with npm', { timeout: 5 * MINUTES }, async () => {
  const result = await here.build(nodejs24Recipe(process.arch));
  expect(result.sidecar).toMatchObject({ name: '100-nodejs24', libc: 'glibc' });
  const tree = join(here.home, 'tree');
  unpackImage(imageOf(here, result), tree);
  const bin = join(tree, 'usr/local/bin');
  const env = { PATH: bin };
  expect(execFileSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' })).toMatch(/^v24\./);
  expect(execFileSync(join(bin, 'npm'), ['--version'], { env, encoding: 'utf8', cwd: '/' })).toMatch(/^11\./);
  expect((await readdir(bin)).toSorted()).toEqual(['node', 'npm', 'npx']);
  // Whatever the caller's umask, everybody can read it; and it belongs to root.
  for (const line of listImage(imageOf(here, result)).trim().split('\n'))
    expect(line).toMatch(/^[dl-]r..r.[x-]r.[x-] 0\/0 |^lrwxrwxrwx 0\/0 /);
  expect(await readFile(join(here.site.dataDir, 'modules/100-nodejs24.json'), 'utf8')).toContain(
    '"recipe": "preset nodejs24 24.',
  );
  expect(await here.leftovers()).toEqual([]);
});

test('a package with other bytes than the recipe pins is refused', { timeout: 5 * MINUTES }, async () => {
  const recipe = nodejs24Recipe(process.arch);
  const tampered = {
    ...recipe,
    start: async (context: Parameters<typeof recipe.start>[0]) => {
      await fetchNpmPackage({ name: 'npm', version: '11.21.2', integrity: `sha512-${'A'.repeat(86)}==` }, context);
      throw new Error('It was taken');
    },
  };
  await expect(here.build(tampered, { replace: true })).rejects.toThrow(
    'Cannot use npm@11.21.2: its sha512 is not the one',
  );
  expect(await here.leftovers()).toEqual([]);
});
