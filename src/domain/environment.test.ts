import { expect, test } from 'vitest';
import { sandboxEnvironment } from './environment.ts';

const STANDARD = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

test('sandboxEnvironment() has the standard variables and nothing of this process', () => {
  expect(sandboxEnvironment([])).toEqual({ HOME: '/root', LANG: 'C.UTF-8', TERM: 'dumb', PATH: STANDARD });
});

test('sandboxEnvironment() puts folders of higher layers first, each once', () => {
  const env = sandboxEnvironment([{ PATH: '/usr/bin:/opt/base' }, { PATH: '/opt/node/bin:/opt/base' }]);
  expect(env.PATH).toBe('/opt/node/bin:/opt/base:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin');
});

test('sandboxEnvironment() lets higher layers win', () => {
  expect(sandboxEnvironment([{ LANG: 'de_DE', A: '1' }, { A: '2' }])).toMatchObject({ LANG: 'de_DE', A: '2' });
});

test('sandboxEnvironment() drops empty and relative folders of PATH', () => {
  expect(sandboxEnvironment([{ PATH: ':.:bin:/opt/bin:' }]).PATH).toBe(`/opt/bin:${STANDARD}`);
});
