import { expect, test } from 'vitest';
import { type ProjectFile, readProjectFiles } from '../support/project-files.ts';

// In pieces, so that this file does not match itself.
const FOREIGN: ReadonlyArray<readonly [what: string, pattern: RegExp, planted: string]> = [
  ['a workplace', /(?<![\w.}/])\/wo[r]k\//, `at /${'work'}/main`],
  ['a package registry', /regis[t]ry\.(npmjs|yarnpkg)|pypi\.or[g]\/simple/, `https://${'registry'}.npmjs.org/x`],
  ['a ticket', /\b(this|the) iss[u]e\b/i, `as the ${'issue'} asks`],
  ['a merge left half-way', /^(<{7}|>{7}) /m, `${'<'.repeat(7)} ours`],
];

function hits(files: readonly ProjectFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) => {
    const hit = pattern.exec(text)?.[0];
    return hit === undefined ? [] : [`${path}: ${hit}`];
  });
}

const files = readProjectFiles(/./);

test.each(FOREIGN)('no file names %s', (_what, pattern, planted) => {
  expect(hits(files, pattern)).toEqual([]);
  expect(hits([{ path: 'planted', text: planted }], pattern)).toHaveLength(1);
});

test('the check sees the project', () => {
  expect(files.length).toBeGreaterThan(150);
});
