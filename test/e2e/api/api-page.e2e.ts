import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ROUTES } from '../../../src/api/routes.ts';
import { ERRORS } from '../../../src/domain/errors.ts';

test('docs/api.md has every route, and names no other', async () => {
  const docs = await readFile('docs/api.md', 'utf8');
  const rows = [...docs.matchAll(/^\| `((?:GET|POST|PUT|DELETE) \/[^`]*)` \|/gm)].map(([, route]) => route);
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
});

test('docs/api.md speaks of no error code that does not exist', async () => {
  const docs = await readFile('docs/api.md', 'utf8');
  const codes = docs.match(/`[A-Z]+(?:_[A-Z]+)+`/g)?.filter((each) => !each.startsWith('`SQUASH_')) ?? [];
  expect(codes.length).toBeGreaterThan(3);
  for (const code of codes) expect(Object.keys(ERRORS)).toContain(code.slice(1, -1));
});
