import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BROKER_STEPS } from './steps.ts';

test("the steps are the broker's, number by number", () => {
  const header = readFileSync(new URL('../../../native/broker/steps.h', import.meta.url), 'utf8');
  const table = Array.from(header.matchAll(/X\((\d+), (\w+), "([^"]*)"\)/g), ([, number, name, words]) => ({
    number: Number(number),
    name,
    words,
  }));
  expect(table.length).toBeGreaterThan(40);
  expect(BROKER_STEPS.map(({ name, words }, number) => ({ number, name, words }))).toEqual(table);
});
