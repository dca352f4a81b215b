// A vitest reporter that writes a Tally to the file named by SQUASH_TEST_COUNTS. Vitest's own JSON leaves out why a test was skipped.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';
import { failed, nothing, passed, sum, type Tally } from './tally.ts';

function tallyTest(test: TestCase): Tally {
  const name = `${relative(process.cwd(), test.module.moduleId)} > ${test.fullName}`;
  const result = test.result();
  if (result.state === 'passed') return passed();
  if (result.state === 'skipped') return { ...nothing, skipped: [{ name, reason: result.note }] };
  return failed(name);
}

function tallyModule(module: TestModule): Tally {
  const path = relative(process.cwd(), module.moduleId);
  // What failed outside of tests: the file itself, a hook, the leak gate.
  const suites = [module, ...module.children.allSuites()];
  const errors = suites.flatMap((suite) => suite.errors()).map((error) => failed(`${path}: ${error.message}`));
  return sum([...errors, ...[...module.children.allTests()].map(tallyTest)]);
}

export default class VitestCounts implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const strays = unhandled.map((error) => failed(`unhandled error: ${error.message}`));
    const file = process.env.SQUASH_TEST_COUNTS;
    if (file === undefined) throw new Error('Cannot report the counts: SQUASH_TEST_COUNTS is not set');
    writeFileSync(file, JSON.stringify(sum([...modules.map(tallyModule), ...strays])));
  }
}
