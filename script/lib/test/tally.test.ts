import { expect, test } from 'vitest';
import { tallyTap } from './native.ts';
import { failed, judge, nothing, passed, sum, verdict } from './tally.ts';

test('verdict() is the last line that script/test promises', () => {
  expect(verdict(sum([passed(3), failed('a'), passed()]))).toBe('4 passed, 1 failed');
  expect(verdict({ ...passed(2), skipped: [{ name: 'b', reason: 'no /dev/kvm' }] })).toBe(
    '2 passed, 0 failed, 1 skipped',
  );
});

test('judge() takes a section that ran nothing for a failure', () => {
  expect(judge('unit', nothing).failures).toEqual(['unit: not one test ran']);
  expect(judge('unit', failed('x'))).toEqual(failed('x'));
  expect(judge('unit', passed())).toEqual(passed());
});

test('judge() takes a test skipped without a reason for a failure', () => {
  const skipped = [
    { name: 'a', reason: 'no package source' },
    { name: 'b', reason: undefined },
  ];
  expect(judge('unit', { ...passed(), skipped })).toEqual({
    passed: 1,
    failures: ['b: skipped without a reason'],
    skipped: [{ name: 'a', reason: 'no package source' }],
  });
});

test('tallyTap() counts result lines and nothing else', () => {
  const output = 'gcc -o x x.c\nok 1 - one\nnot ok 2 - two\n  ok, said the compiler\nokay\nok 3\n';
  expect(tallyTap(output)).toEqual({ passed: 2, failures: ['native: not ok 2 - two'], skipped: [] });
});
