/** The value that this share of the samples does not exceed (nearest rank); NaN of none. */
export function quantile(samples: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(samples.length * share));
  return samples.toSorted((a, b) => a - b)[rank - 1] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}
