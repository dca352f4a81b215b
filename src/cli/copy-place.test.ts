import { expect, test } from 'vitest';
import { parseCopyPlace } from './copy-place.ts';

test.each([
  ['dev:/etc/hosts', { id: 'dev', path: '/etc/hosts' }],
  ['dev:/a:b', { id: 'dev', path: '/a:b' }],
  ['./dev:/x', { id: undefined, path: './dev:/x' }],
  ['/tmp/a', { id: undefined, path: '/tmp/a' }],
  ['-:/x', { id: undefined, path: '-:/x' }],
  ['plain', { id: undefined, path: 'plain' }],
])('parseCopyPlace(%s)', (text, place) => {
  expect(parseCopyPlace(text)).toEqual(place);
});

test('parseCopyPlace() wants an absolute path in a sandbox, and a path at all', () => {
  expect(() => parseCopyPlace('dev:etc')).toThrow('must begin with /');
  expect(() => parseCopyPlace('dev:')).toThrow('must begin with /');
  expect(() => parseCopyPlace('')).toThrow('a path is empty');
});
