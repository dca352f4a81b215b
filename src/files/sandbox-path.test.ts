import { expect, test } from 'vitest';
import { checkSandboxPath } from './sandbox-path.ts';

test.each(['/', '/a/b', '/a/../b', `/${'x'.repeat(4094)}`, '/ä\n'])('checkSandboxPath() accepts %j', (path) => {
  expect(checkSandboxPath(path)).toBe(path);
});

test.each(['', 'a', './a', '../etc', '/a\0b', `/${'x'.repeat(4095)}`, `/${'ä'.repeat(2048)}`])(
  'checkSandboxPath() refuses %j',
  (path) => {
    expect(() => checkSandboxPath(path)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  },
);
