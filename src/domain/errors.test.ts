import { expect, test } from 'vitest';
import { ERRORS, SandboxError } from './errors.ts';
import { errorsPage } from './errors-page.ts';
import { keepSecret, redact } from './redact.ts';

test('SandboxError takes kind, status and hint from the table', () => {
  expect(new SandboxError('SANDBOX_LIMIT', 'sandbox limit reached (3)')).toMatchObject({
    name: 'SandboxError',
    message: 'sandbox limit reached (3)',
    kind: 'resource_exhausted',
    httpStatus: 503,
    hint: ERRORS.SANDBOX_LIMIT.hint,
    details: {},
  });
});

test('SandboxError keeps its cause and details, and a hint of its own', () => {
  const cause = new Error('EIO');
  const error = new SandboxError('INTERNAL', 'Cannot read', { cause, details: { a: 1 }, hint: 'Try again' });
  expect(error).toMatchObject({ cause, details: { a: 1 }, hint: 'Try again', httpStatus: 500 });
});

test.each([
  ['INVALID_ARGUMENT', 400],
  ['BODY_TOO_LARGE', 413],
  ['TOKEN_INVALID', 401],
  ['ORIGIN_REFUSED', 403],
  ['LAYER_NOT_FOUND', 404],
  ['METHOD_NOT_ALLOWED', 405],
  ['SANDBOX_EXISTS', 409],
  ['NO_SPACE', 503],
  ['BROKER_GONE', 503],
] as const)('%s is answered with status %i', (code, status) => {
  expect(new SandboxError(code, 'x').httpStatus).toBe(status);
});

test('SandboxError lets no registered secret and no control character through', () => {
  keepSecret('hunter2-token');
  const message = new SandboxError('INTERNAL', 'a hunter2-token\nb\u001b[31m\u2028c').message;
  expect(message).toBe('a *** b [31m c');
});

test('redact() leaves ordinary text alone', () => {
  keepSecret('abc');
  expect(redact('abc ä 世界')).toBe('abc ä 世界');
});

test('docs/errors.md says what the table says', async () => {
  await expect(errorsPage()).toMatchFileSnapshot('../../docs/errors.md');
});
