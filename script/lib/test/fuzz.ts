import { runCommand } from './run-command.ts';
import { failed, nothing, passed, sum, type Tally } from './tally.ts';

const TIMEOUT_MS = 60 * 60_000;

/** Targets of native/Makefile, the variable that says how much, and how much that is. */
const TARGETS = [{ target: 'fuzz-broker', variable: 'FRAMES', usual: 100_000, long: 1_000_000 }] as const;

/** What of libFuzzer's output tells how to repeat the run, and what it reached. */
export function fuzzSummary(output: string): string[] {
  const lines = output.split('\n');
  const seed = lines.find((line) => line.startsWith('INFO: Seed:'));
  const coverage = lines.findLast((line) => /^#\d+\s.*\bcov: \d+/.test(line))?.replace(/\bcorp:.*/, '');
  const counts = lines.filter((line) => /^[\w-]+: \d+ frames in/.test(line));
  return [seed, coverage?.trim(), ...counts].filter((line) => line !== undefined);
}

/** Feeds the C programs with mutated sessions under the sanitizers; the first finding fails. */
export async function fuzz({ long }: { long: boolean }): Promise<Tally> {
  if (process.getuid?.() !== 0)
    return {
      ...nothing,
      skipped: TARGETS.map(({ target: name }) => ({
        name,
        reason: 'needs root: real operations on a real state root',
      })),
    };
  const tallies: Tally[] = [];
  for (const { target, variable, usual, ...sizes } of TARGETS) {
    let output = '';
    const problem = await runCommand(
      ['make', '-s', '-C', 'native', target, `${variable}=${long ? sizes.long : usual}`],
      {
        timeoutMs: TIMEOUT_MS,
        onOutput: (text) => {
          output += text;
        },
      },
    );
    const summary = fuzzSummary(output);
    console.log((problem === undefined ? summary : output.split('\n').slice(-60)).join('\n'));
    // A run that tells no seed, coverage and count has not run.
    const isComplete = problem === undefined && summary.length >= 3;
    tallies.push(isComplete ? passed() : failed(`make -C native ${target}: ${problem ?? 'said nothing of its run'}`));
  }
  return sum(tallies);
}
