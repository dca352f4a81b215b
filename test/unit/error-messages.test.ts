import { expect, test } from 'vitest';
import { readProjectFiles } from '../support/project-files.ts';
import { isWellFormed, messagesOf } from './error-messages.ts';

// errors-page.ts makes errors to ask for their status, without a message.
const messages = readProjectFiles(/^src\/.*(?<!\.test|errors-page)\.ts$/).flatMap(messagesOf);

test('every message says `Cannot <action> <object>: <state>`, or at the edges why a request is refused', () => {
  expect(messages.filter((message) => !isWellFormed(message))).toEqual([]);
});

test('the check sees the messages of the project', () => {
  expect(messages.length).toBeGreaterThan(30);
});

test.each([
  [`new SandboxError('INTERNAL', 'something broke')`, false],
  [`new SandboxError('INTERNAL', 'Cannot start it')`, false],
  [`new SandboxError('INTERNAL', 'Cannot start sandbox: it is gone.')`, false],
  [`new SandboxError('INTERNAL', "Cannot start sandbox: it can't")`, false],
  ['new SandboxError(code, `Cannot start sandbox "${a({ b: c })}": ${state}`, { details })', true],
  ["new SandboxError(\n  'LAYER_NOT_FOUND',\n  `not found: ${name}`)", true],
])('%s is read and judged', (text, wellFormed) => {
  const found = messagesOf({ path: 'planted.ts', text });
  expect(found).toHaveLength(1);
  expect(found.map(isWellFormed)).toEqual([wellFormed]);
});

test.each([
  ['src/api/x.ts', 'id required', true],
  ['src/api/x.ts', 'Something is wrong', false],
  ['src/api/x.ts', 'malformed JSON.', false],
  ['src/sandboxes/x.ts', 'id required', false],
])('in %s "%s" is judged by the grammar of that place', (path, text, wellFormed) => {
  expect(isWellFormed({ path, text })).toBe(wellFormed);
});
