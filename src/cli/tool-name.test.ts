import { expect, test } from 'vitest';
import { wordsOfCall } from './tool-name.ts';

test.each([
  [['/usr/bin/node', '/opt/squash/squash.mjs'], ['list'], ['list']],
  [['/usr/bin/node', '/usr/local/bin/sq-ctl'], ['list'], ['sq-ctl', 'list']],
  [['/usr/local/bin/sq-mkbase', '/opt/squash/squash.mjs'], ['debian'], ['sq-mkbase', 'debian']],
  [['squash', '/home/start-api/squash.mjs'], [], []],
  [['/usr/local/bin/start-api', 'squash.mjs'], [], ['start-api']],
])('wordsOfCall(%j) puts the name of the tool in front', (calledAs, words, call) => {
  expect(wordsOfCall(calledAs, words)).toEqual(call);
});
