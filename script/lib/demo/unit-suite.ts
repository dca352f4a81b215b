export interface SuiteCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The unit tests, as the project itself runs them; `report` is where the numbers go. */
export function unitSuiteCommand(node: string, report: string): string[] {
  return [
    node,
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'unit',
    '--reporter',
    'json',
    '--outputFile',
    report,
  ];
}

/** Reads vitest's own report. */
export function countTests(report: string): SuiteCount {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(report) as Record<string, unknown>;
  const count = { passed: Number(numPassedTests), failed: Number(numFailedTests), skipped: Number(numPendingTests) };
  if (!Number.isInteger(count.passed + count.failed)) throw new Error('Cannot read the report of the unit tests');
  return count;
}

/** The names of the tests that did not pass, for a message. */
export function failedTests(report: string): string[] {
  const { testResults } = JSON.parse(report) as {
    testResults: { name: string; message: string; assertionResults: { fullName: string; status: string }[] }[];
  };
  return testResults.flatMap(({ name, message, assertionResults }) => [
    ...(assertionResults.length === 0 && message ? [`${name}: ${message.split('\n')[0]}`] : []),
    ...assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  ]);
}
