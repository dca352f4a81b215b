import { globSync } from 'node:fs';
import { check } from './check.ts';
import { runCommand } from './run-command.ts';
import { failed, nothing, sum, type Tally } from './tally.ts';

const TIMEOUT_MS = 20 * 60_000;

/** Counts the lines of the Test Anything Protocol: `ok 1 - name`, `not ok 2 - name`. */
export function tallyTap(output: string): Tally {
  const lines = output.split('\n').filter((line) => /^(not )?ok\b/.test(line));
  const failures = lines.filter((line) => line.startsWith('not ')).map((line) => `native: ${line}`);
  return { ...nothing, passed: lines.length - failures.length, failures };
}

async function runNativeTests(): Promise<Tally> {
  let output = '';
  const problem = await runCommand(['make', '-C', 'native', 'check'], {
    timeoutMs: TIMEOUT_MS,
    onOutput: (text) => {
      output += text;
      process.stdout.write(text);
    },
  });
  const tally = tallyTap(output);
  return problem !== undefined && tally.failures.length === 0
    ? sum([tally, failed(`make -C native check: ${problem}`)])
    : tally;
}

/** Builds with every warning an error, looks at the format, runs the C tests. */
export async function testNative(): Promise<Tally> {
  const sources = globSync('native/**/*.{c,h}').toSorted();
  return sum([
    await check('make -C native', ['make', '-C', 'native']),
    await check('clang-format', ['clang-format', '--dry-run', '--Werror', ...sources]),
    await runNativeTests(),
  ]);
}
