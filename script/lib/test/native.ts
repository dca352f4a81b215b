import { globSync } from 'node:fs';
import { check } from './check.ts';
import { fuzz } from './fuzz.ts';
import { runCommand } from './run-command.ts';
import { failed, nothing, sum, type Tally } from './tally.ts';

const TIMEOUT_MS = 20 * 60_000;

/** Counts what the C test programs say at their end: `agent-vectors: 18 frame types, 0 failed`. */
export function tallyPrograms(output: string): Tally {
  const lines = Array.from(output.matchAll(/^([\w-]+): (\d+) [^,\n]+, (\d+) failed$/gm));
  return sum(
    lines.map(([, program, total, failures]) => ({
      ...nothing,
      passed: Number(total) - Number(failures),
      failures: Array.from({ length: Number(failures) }, (_, index) => `${program}: failure ${index + 1}`),
    })),
  );
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
  const tally = tallyPrograms(output);
  if (problem !== undefined && tally.failures.length === 0)
    return sum([tally, failed(`make -C native check: ${problem}`)]);
  return tally.passed + tally.failures.length === 0
    ? failed('make -C native check: no program told its counts')
    : tally;
}

/** Builds with every warning an error, looks at the format, runs the C tests and the fuzzers. */
export async function testNative({ long }: { long: boolean }): Promise<Tally> {
  const sources = globSync('native/**/*.{c,h}').toSorted();
  return sum([
    await check('make -C native', ['make', '-C', 'native']),
    await check('clang-format', ['clang-format', '--dry-run', '--Werror', ...sources]),
    await runNativeTests(),
    await fuzz({ long }),
  ]);
}
