import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { verifyIntegrity } from './npm-package.ts';

const TARBALL = Buffer.from('a tarball');
const integrity = `sha512-${createHash('sha512').update(TARBALL).digest('base64')}`;

test('verifyIntegrity() takes the bytes that are pinned and no others', () => {
  expect(() => verifyIntegrity(TARBALL, { name: 'x', version: '1.0.0', integrity })).not.toThrow();
  expect(() => verifyIntegrity(Buffer.from('b tarball'), { name: 'x', version: '1.0.0', integrity })).toThrow(
    'Cannot use x@1.0.0: its sha512 is not the one that this recipe pins',
  );
  expect(() => verifyIntegrity(TARBALL, { name: 'x', version: '1.0.0', integrity: 'sha512-' })).toThrow('pins');
});
