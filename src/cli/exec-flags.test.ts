import { execFileSync } from 'node:child_process';
import { Command, CommanderError } from 'commander';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { argvOf, parseExecTail, shellLineOf } from './exec-flags.ts';

test.each([
  [['ls', '-l', '--json'], ['ls', '-l', '--json'], {}],
  [['--json', 'ls', '-l'], ['ls', '-l'], { json: true }],
  [['-w', '/tmp', '-e', 'A=b=c', '-e', 'D=', 'env'], ['env'], { workdir: '/tmp', env: { A: 'b=c', D: '' } }],
  [['--', '--json', 'x'], ['--json', 'x'], {}],
  [['-it', 'bash'], ['bash'], { stdin: true, tty: true }],
  [['ls', '--', '-x'], ['ls', '--', '-x'], {}],
  [['--timeout', '1.5', 'sleep 9'], ['sleep 9'], { timeout: 1.5 }],
])('parseExecTail(%j) leaves the words as they are', (tail, words, flags) => {
  const call = parseExecTail(tail, {});
  expect(call.words).toEqual(words);
  expect(call.flags).toMatchObject(flags);
});

test('parseExecTail() adds to the flags before the id', () => {
  const call = parseExecTail(['-e', 'B=2', 'env'], { env: { A: '1' }, json: true });
  expect(call.flags).toMatchObject({ json: true, env: { A: '1', B: '2' } });
});

test('parseExecTail() refuses a flag that it does not know, and flags without a word', () => {
  const quiet = new Command().configureOutput({ writeErr: () => {} });
  expect(() => parseExecTail(['--bogus', 'ls'], {}, quiet)).toThrow(CommanderError);
  expect(() => parseExecTail(['--json'], {}, quiet)).toThrow(CommanderError);
});

test('one word is a shell line, several are a program and its arguments', () => {
  expect(argvOf(['echo hi | wc -c'])).toEqual(['/bin/sh', '-c', 'echo hi | wc -c']);
  expect(argvOf(['echo', '$HOME', 'a b'])).toEqual(['echo', '$HOME', 'a b']);
  expect(shellLineOf(['echo hi | wc -c'])).toBe('echo hi | wc -c');
});

test('shellLineOf() means the same to a shell as the words', () => {
  const word = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !/[\0\ud800-\udfff]/.test(text));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const printed = execFileSync('/bin/sh', ['-c', shellLineOf(['printf', '%s\\0', ...words])], { encoding: 'utf8' });
      expect(printed.split('\0').slice(0, -1)).toEqual(words);
    }),
    { numRuns: 60 },
  );
});
