// Several layers captured as one must mean on top of a base what the kernel makes of them one by one.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/ids.ts';
import { CaptureSite } from '../../support/capture-site.ts';
import { publishFixture } from '../../support/fixture-layers.ts';
import { fillRandomLayer, randomChanges } from '../../support/random-layer.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const seed = testSeed();
const ROUNDS = process.env.SQUASH_TEST_LONG === undefined ? 30 : 500;
const random = seededRandom(seed);

let site: CaptureSite;
beforeAll(async () => {
  site = await CaptureSite.start({ fill: (folder) => fillTree(folder, false) });
});
afterAll(() => site?.[Symbol.asyncDispose]());

function fillTree(folder: string, marks: boolean): void {
  mkdirSync(join(folder, 't'));
  fillRandomLayer(join(folder, 't'), { random, marks });
}

/** What is there. A layer keeps saying how many names a file has in it, whatever others take away from them. */
async function see(): Promise<string> {
  const lines = await site.walk('/t');
  return lines.map((line) => line.replace(/ links \d+/, '')).join('\n');
}

const withoutLinks = (seen: string) => seen.replaceAll(/ of \/\S*/g, '');

const PLANNED: Readonly<Record<string, readonly [first: string, second: string, third: string]>> = {
  'a whiteout over a folder': ['mkdir -p n/x; touch n/f', 'rm -r n', 'touch other'],
  'a folder over a whiteout': ['mkdir -p n/x; touch n/f', 'rm -r n', 'mkdir n; touch n/g'],
  'an opaque folder in the middle': ['mkdir -p n/x; touch n/f', 'rm -r n; mkdir n; touch n/h', 'touch n/g'],
  'a deletion in a folder that the base does not have': ['mkdir -p n/x; touch n/f n/x/g', 'rm n/f n/x/g', 'touch m'],
  'a file over a folder': ['mkdir -p n/x', 'rm -r n; echo file > n', 'touch other'],
  'a folder over a file': ['echo file > n', 'rm n; mkdir n; touch n/f', 'touch n/g'],
  'a folder over a file over a folder': ['mkdir n; touch n/f', 'rm -r n; echo file > n', 'rm n; mkdir n'],
  'a socket over a file': ['mkdir n; touch n/f', 'rm n/f; /tree socket n/f', 'touch n/g'],
  'a hard link of which one name was changed': ['echo x > n; ln n m', 'echo y >> m', 'rm n'],
};

test.each(Object.entries(PLANNED))('capture() of several layers as one keeps %s', async (_, lines) => {
  const chain: Digest[] = [];
  await site.restore();
  for (const line of lines.slice(0, 2)) {
    await site.sh(`cd /t; ${line}`);
    chain.unshift((await site.capture()).digest);
    await site.restore(...chain);
  }
  await site.sh(`cd /t; ${lines[2]}`);
  const separate = await see();
  const { digest } = await site.capture(chain);
  await site.restore(digest);
  expect(await see()).toBe(separate);
});

test(`capture() of three random layers and what was written over them as one means the same, seed ${seed}`, async () => {
  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const layers = [3, 2, 1].map((n) =>
      publishFixture(site.dataFolder, `20${n}-random`, (folder) => fillTree(folder, true)),
    );
    await site.restore(...layers);
    await site.sh(`cd /t; ${randomChanges(random)}`);
    const live = await see();
    const [alone, merged] = [await site.capture(), await site.capture(layers)];
    await site.restore(alone.digest, ...layers);
    const separate = await see();
    // Kernel: without an index, names that were linked after a copy-up have one inode only for the next mount.
    expect(withoutLinks(separate)).toBe(withoutLinks(live));
    await site.restore(merged.digest);
    expect(await see(), `round ${round} of seed ${seed}`).toBe(separate);
    seen.add(separate);
    await site.restore();
    for (const digest of [merged.digest, alone.digest, ...layers]) await site.broker.runtime.detachLayer(digest);
  }
  expect(seen.size).toBe(ROUNDS);
}, 600_000);
