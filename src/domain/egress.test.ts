import { expect, test } from 'vitest';
import { checkEgress } from './egress.ts';

test.each([[undefined], [[]], [['none']], [['none', 'none']]])('checkEgress() accepts %j', (allowNet) => {
  expect(() => checkEgress(allowNet)).not.toThrow();
});

test.each([
  [['pypi.org'], 'pypi.org'],
  [['none', '*.example.com:443'], '*.example.com:443'],
  [['NONE'], 'NONE'],
  [[''], ''],
])('checkEgress() refuses %j, as nothing would enforce it', (allowNet, rule) => {
  expect(() => checkEgress(allowNet)).toThrow(
    expect.objectContaining({ code: 'EGRESS_RULE_UNENFORCEABLE', message: `cannot enforce egress rule ${rule}` }),
  );
});
