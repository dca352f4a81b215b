import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { PROJECT_ROOT, readProjectFiles } from '../support/project-files.ts';

// The patterns are put together here, so that this file does not match itself.
const FOREIGN: ReadonlyArray<readonly [what: string, pattern: RegExp]> = [
  [
    'a path of the machine it was written on',
    new RegExp(['/wo', 'rk/|/ho', 'me/(?!you\\b|user\\b)\\w|/ro', 'ot/\\w'].join('')),
  ],
  [
    'a package registry',
    new RegExp(['regis', 'try\\.(npmjs|yarnpkg)|pypi\\.', 'org/simple|deb\\.deb', 'ian\\.org'].join('')),
  ],
  ['a ticket', new RegExp(['\\b(this|the) iss', 'ue\\b'].join(''), 'i')],
  ['a merge left half-way', new RegExp(['^(<<<<', '<<<|>>>>', '>>>) '].join(''), 'm')],
];

const files = readProjectFiles(/./);

test.each(FOREIGN)('no file names %s', (_what, pattern) => {
  const lines = files.flatMap(({ path, text }) => {
    const hit = pattern.exec(text)?.[0];
    return hit === undefined ? [] : [`${path}: ${hit}`];
  });
  expect(lines).toEqual([]);
});

test('no file names this checkout or this host', () => {
  const names = [PROJECT_ROOT, hostname()].filter((name) => name.length > 5);
  expect(files.filter(({ text }) => names.some((name) => text.includes(name))).map(({ path }) => path)).toEqual([]);
});

test('the check sees the project', () => {
  expect(files.length).toBeGreaterThan(150);
});
