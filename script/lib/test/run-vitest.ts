import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';
import { failed, sum, type Tally } from './tally.ts';

export interface VitestOptions {
  readonly timeoutMs: number;
  readonly long: boolean;
}

/** Tests see no setting of the caller's: each brings its own. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^(SQUASH|AWS|TAILSCALE)_/.test(name));
  return Object.fromEntries(entries);
}

/** @param selection words for `vitest run`: `--project NAME`, or files. */
export async function runVitest(selection: readonly string[], options: VitestOptions): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'squash-counts-'));
  try {
    const counts = join(folder, 'counts.json');
    const reporters = ['--reporter=default', '--reporter=./script/lib/test/vitest-counts.ts'];
    const env = {
      ...cleanEnvironment(),
      SQUASH_TEST_COUNTS: counts,
      ...(options.long ? { SQUASH_TEST_LONG: '1' } : {}),
    };
    const problem = await runCommand(['vitest', 'run', '--passWithNoTests', ...reporters, ...selection], {
      timeoutMs: options.timeoutMs,
      env,
    });
    const tally = await readFile(counts, 'utf8').then(
      (text) => JSON.parse(text) as Tally,
      () => undefined,
    );
    if (tally === undefined) return failed(`vitest ${selection.join(' ')}: ${problem ?? 'reported no counts'}`);
    // A status that the counts do not explain is a failure of its own.
    const unexplained = problem !== undefined && tally.failures.length === 0;
    return unexplained ? sum([tally, failed(`vitest ${selection.join(' ')}: ${problem}`)]) : tally;
  } finally {
    await rm(folder, { recursive: true });
  }
}
