import { type RunResult, run } from '../../support/run.ts';

/** Runs a program of the host as one of its users, with that user's groups. */
export function asUser(user: string, argv: readonly string[]): RunResult {
  return run([
    'setpriv',
    `--reuid=${user}`,
    `--regid=${user === 'nobody' ? 'nogroup' : user}`,
    '--init-groups',
    ...argv,
  ]);
}
