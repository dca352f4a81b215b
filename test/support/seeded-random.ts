/** Numbers that look random and are the same for the same seed, in [0, 1): mulberry32, whose 32 bits of state are enough for choosing test cases. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** SQUASH_TEST_SEED, or a fresh one; print it, so that a failure can be had again. */
export function testSeed(): number {
  const text = process.env.SQUASH_TEST_SEED;
  return text === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(text);
}
