import { expect, test } from 'vitest';
import { tallyPrograms } from './native.ts';
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

test('tallyPrograms() counts the last lines of the C test programs and nothing else', () => {
  const output =
    'gcc -o x x.c\nagent-vectors: 18 frame types, 0 failed\nmake: 1 thing failed\nbroker-vectors: 9 frames, 2 failed\n';
  expect(tallyPrograms(output)).toEqual({
    passed: 25,
    failures: ['broker-vectors: failure 1', 'broker-vectors: failure 2'],
    skipped: [],
  });
});
