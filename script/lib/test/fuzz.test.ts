import { expect, test } from 'vitest';
import { fuzzSummary } from './fuzz.ts';

const OUTPUT = `INFO: Seed: 7
#2	INITED cov: 110 ft: 111 corp: 1/1b exec/s: 0 rss: 33Mb
#3	NEW    cov: 171 ft: 198 corp: 2/50b lim: 16384 exec/s: 0 rss: 33Mb L: 49/49 MS: 1 Custom-
broker-fuzz: 100 frames in 9 sessions
stat::peak_rss_mb:              33
`;

test('fuzzSummary() keeps the seed, the last coverage and the count', () => {
  expect(fuzzSummary(OUTPUT)).toEqual([
    'INFO: Seed: 7',
    '#3	NEW    cov: 171 ft: 198',
    'broker-fuzz: 100 frames in 9 sessions',
  ]);
});

test('fuzzSummary() of a program that did not run is empty', () => {
  expect(fuzzSummary('make: *** No rule to make target')).toEqual([]);
});
