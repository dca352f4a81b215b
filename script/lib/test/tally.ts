export interface Tally {
  readonly passed: number;
  /** One line each, for the end of the report. */
  readonly failures: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string | undefined }[];
}

export const nothing: Tally = { passed: 0, failures: [], skipped: [] };

export function passed(count = 1): Tally {
  return { ...nothing, passed: count };
}

export function failed(line: string): Tally {
  return { ...nothing, failures: [line] };
}

export function sum(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((total, tally) => total + tally.passed, 0),
    failures: tallies.flatMap((tally) => tally.failures),
    skipped: tallies.flatMap((tally) => tally.skipped),
  };
}

/** A level that ran nothing has shown nothing, and a test that is skipped for no reason is forgotten: both are failures. */
export function judge(section: string, tally: Tally): Tally {
  const forgotten = tally.skipped.filter(({ reason }) => reason === undefined);
  const failures = forgotten.map(({ name }) => `${name}: skipped without a reason`);
  if (tally.passed === 0 && tally.failures.length === 0) failures.push(`${section}: not one test ran`);
  return {
    passed: tally.passed,
    failures: [...tally.failures, ...failures],
    skipped: tally.skipped.filter(({ reason }) => reason !== undefined),
  };
}

/** The last line of script/test. */
export function verdict(tally: Tally): string {
  const skipped = tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : '';
  return `${tally.passed} passed, ${tally.failures.length} failed${skipped}`;
}
