import { execFileSync } from 'node:child_process';
import { check } from './check.ts';
import { testNative } from './native.ts';
import { runVitest } from './run-vitest.ts';
import { sum, type Tally } from './tally.ts';

export interface RunOptions {
  readonly long: boolean;
}

export interface Section {
  readonly name: string;
  readonly about: string;
  readonly needsRoot?: true;
  run(options: RunOptions): Promise<Tally>;
}

const MINUTE_MS = 60_000;

async function checkScripts(): Promise<Tally> {
  const files = execFileSync('grep', ['-rlE', '^#!.*bash|^# shellcheck shell=bash', 'script', '.ci'], {
    encoding: 'utf8',
  });
  return sum(
    await Promise.all(
      files
        .trim()
        .split('\n')
        .toSorted()
        .map((file) => check(file, ['shellcheck', file])),
    ),
  );
}

async function lint(): Promise<Tally> {
  return sum([
    await check('biome lint', ['biome', 'lint', '--error-on-warnings', '.']),
    await check('oxlint', ['oxlint', '--deny-warnings', 'src', 'test', 'script']),
  ]);
}

/** A level of vitest.config.ts. */
function level(name: string, about: string, minutes: number): Section {
  return {
    name,
    about,
    run: ({ long }) => runVitest(['--project', name], { long, timeoutMs: (long ? 3 : 1) * minutes * MINUTE_MS }),
  };
}

/** What script/test runs, in this order: the quick and the broken-for-everyone first. */
export const sections: readonly Section[] = [
  { name: 'scripts', about: 'shellcheck over every shell file', run: checkScripts },
  { name: 'format', about: 'biome format', run: () => check('biome format', ['biome', 'format', '.']) },
  { name: 'lint', about: 'biome lint and oxlint', run: lint },
  { name: 'types', about: 'the TypeScript compiler', run: () => check('tsc', ['tsc', '--noEmit']) },
  { name: 'unused', about: 'knip: files, exports and packages that nothing uses', run: () => check('knip', ['knip']) },
  { name: 'native', about: 'C: warnings, format, tests, fuzzers', run: testNative },
  level('unit', 'rules, parsers, plans, the contracts on the fakes, and the shape of the project', 5),
  { ...level('integration', 'the contracts on the real drivers, the real kernel', 20), needsRoot: true },
  { ...level('e2e', 'a real daemon, the real CLI', 20), needsRoot: true },
  { ...level('security', 'each line of SECURITY.md, from inside a sandbox', 20), needsRoot: true },
  { ...level('docs', 'every runnable block of the documents', 10), needsRoot: true },
];
