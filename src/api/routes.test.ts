import { expect, test } from 'vitest';
import { startMemoryApi } from '../../test/support/memory-api.ts';
import { RawHttp } from '../../test/support/raw-http.ts';
import { allowedMethods, ROUTES } from './routes.ts';

test('every route of the table is registered, and nothing else is', async () => {
  await using api = await startMemoryApi();
  const inTable = ROUTES.map(({ method, path }) => `${method} ${path}`);
  for (const { method, path: url } of ROUTES) expect(api.app.hasRoute({ method, url }), `${method} ${url}`).toBe(true);
  // One line of the tree for each path segment and method; HEAD comes with GET.
  const registered = api.app.printRoutes({ commonPrefix: false }).match(/\([A-Z, ]+\)/g) ?? [];
  const methods = registered.flatMap((each) => each.slice(1, -1).split(', ')).filter((each) => each !== 'HEAD');
  expect(methods.toSorted()).toEqual(inTable.map((each) => each.split(' ')[0]).toSorted());
});

test('every route of the table is on the page', async () => {
  await using api = await startMemoryApi();
  using http = new RawHttp(api.url);
  const { text } = await http.call({ path: '/' });
  expect(ROUTES.length).toBeGreaterThan(10);
  for (const { method, path } of ROUTES)
    expect(text.replaceAll(/<[^>]*>/g, ' ')).toMatch(
      new RegExp(`${method}\\s+${path.replaceAll(/:\w+/g, '\\s+$&\\s+')}\\s`),
    );
});

test('allowedMethods() knows a path by its shape', () => {
  expect(allowedMethods('/cgi-bin/api/sandboxes/x/exec')).toBe('POST');
  expect(allowedMethods('/cgi-bin/api/sandboxes/x/exec/y')).toBeUndefined();
  expect(allowedMethods('/cgi-bin/api/sandboxes/')).toBeUndefined();
});
