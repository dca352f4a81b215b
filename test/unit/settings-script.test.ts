import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PROJECT_ROOT } from '../support/project-files.ts';
import { run } from '../support/run.ts';

/** The environment that script/squashd would give the daemon. */
function daemonEnvironment(file: string, env: Record<string, string>): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'squash-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'squash.env'), file);
  const script = 'set -euo pipefail; source script/lib/settings.sh; read_settings "$1"; exec_clean /usr/bin/env -0';
  const { stdout } = run(['bash', '-c', script, 'bash', join(folder, 'squash.env')], { cwd: PROJECT_ROOT, env });
  const entries = stdout.split('\0').filter((entry) => entry !== '');
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

test('the daemon gets settings and PATH, and nothing else of the caller', () => {
  const caller = {
    PATH: '/usr/bin:/bin',
    HOME: '/x',
    SECRET: 's',
    SQUASH_PORT: '1',
    AWS_REGION: 'r',
    TAILSCALE_HOSTNAME: 'h',
  };
  const { PATH, ...rest } = daemonEnvironment('', caller);
  expect(rest).toEqual({ SQUASH_PORT: '1', AWS_REGION: 'r', TAILSCALE_HOSTNAME: 'h' });
  expect(PATH?.split(':')).toContain('/usr/sbin');
});

test('the file gives what the environment leaves out; the environment wins, even when empty', () => {
  const file =
    '# a comment\nSQUASH_UID_BASE=1073741824\nSQUASH_PORT=8080\nSQUASH_HOSTS="a b"\nSQUASH_API=x=y\nPATH=/evil\nLD_PRELOAD=/x\nnonsense\nSQUASH_LAST=\'z\'';
  const { PATH, ...rest } = daemonEnvironment(file, { PATH: '/usr/bin:/bin', SQUASH_PORT: '9', SQUASH_LAST: '' });
  expect(PATH).not.toContain('evil');
  expect(rest).toEqual({
    SQUASH_UID_BASE: '1073741824',
    SQUASH_PORT: '9',
    SQUASH_HOSTS: 'a b',
    SQUASH_API: 'x=y',
    SQUASH_LAST: '',
  });
});

test('a value is never evaluated', () => {
  const { SQUASH_API } = daemonEnvironment('SQUASH_API=$(touch /tmp/x)`id`;"$HOME', { PATH: '/usr/bin:/bin' });
  expect(SQUASH_API).toBe('$(touch /tmp/x)`id`;"$HOME');
});
