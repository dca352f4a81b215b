import type { Tally } from '../../script/lib/test/tally.ts';

/** What a run of test files said, and where it ran. */
export interface SuiteReport {
  readonly kernel: string;
  /** Types of the cgroup file systems that are mounted: `cgroup`, `cgroup2`. */
  readonly cgroupMounts: readonly string[];
  /** `/proc/self/cgroup`. */
  readonly cgroups: string;
  readonly tally: Tally;
}

/** A shell command that runs test files in this checkout and prints a report; what vitest says goes to stderr. */
export function suiteCommand(files: readonly string[]): string {
  return `
    export PATH="$PWD/node_modules/.bin:$PATH" NO_COLOR=1 CI=1
    export SQUASH_TEST_COUNTS=$(mktemp)
    # Its status is in the counts.
    vitest run --reporter=verbose --reporter=./script/lib/test/vitest-counts.ts ${files.join(' ')} </dev/null >&2 || :
    jq --null-input \\
      --arg kernel "$(uname -r)" \\
      --arg mounts "$(sed -n 's/.* - \\(cgroup2*\\) .*/\\1/p' /proc/self/mountinfo | sort -u)" \\
      --rawfile cgroups /proc/self/cgroup \\
      --slurpfile tally "$SQUASH_TEST_COUNTS" \\
      '{ $kernel, cgroupMounts: ($mounts / "\\n"), $cgroups, tally: $tally[0] }'
    rm "$SQUASH_TEST_COUNTS"`;
}

/** Parses what the command printed. @param said what it said on stderr, for the error */
export function parseSuiteReport(text: string, said: string): SuiteReport {
  if (text === '') throw new Error(`No test run reported anything: ${said.slice(-4000)}`);
  return JSON.parse(text) as SuiteReport;
}
