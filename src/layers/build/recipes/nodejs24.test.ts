import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodejs24Recipe } from './nodejs24.ts';

test.each(['x64', 'arm64'] as const)('nodejs24Recipe() pins what the lockfile of this project pins for %s', (arch) => {
  const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const { version } = lockfile.packages[`node_modules/node-linux-${arch}`];
  expect(nodejs24Recipe(arch)).toMatchObject({ name: '100-nodejs24', libc: 'glibc', isPinned: true });
  expect(nodejs24Recipe(arch).description).toContain(`nodejs24 ${version} `);
});

test('nodejs24Recipe() refuses a processor that it has no package for', () => {
  expect(() => nodejs24Recipe('riscv64')).toThrow('there is no package for riscv64');
});

test('the two processors have two descriptions: a layer of one never stands for the other', () => {
  expect(nodejs24Recipe('x64').description).not.toBe(nodejs24Recipe('arm64').description);
});
