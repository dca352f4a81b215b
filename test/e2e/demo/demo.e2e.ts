import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasPackageSource } from '../../support/debian-base.ts';
import { PROJECT_ROOT } from '../../support/project-files.ts';
import { run } from '../../support/run.ts';

const MINUTE_MS = 60_000;

test('script/demo does the main job from a clone in a closed home, and reuses its layers', {
  timeout: 12 * MINUTE_MS,
}, ({ skip }) => {
  if (!hasPackageSource()) return skip('no package source');
  const home = join(tmpdir(), 'home');
  mkdirSync(home);
  chmodSync(home, 0o700);
  const env = { ...process.env, SQUASH_DATA: join(tmpdir(), 'demo-data') };
  const inClone = (command: string) => run(['sh', '-c', `umask 077; ${command}`], { cwd: home, env });
  expect(inClone(`git -c safe.directory='*' clone --quiet ${PROJECT_ROOT} clone`)).toMatchObject({ status: 0 });
  try {
    const first = inClone('clone/script/demo');
    expect(`${first.stdout}${first.stderr}`).toMatch(/The same [1-9]\d{2,} tests passed inside as outside\./);
    expect(first.status).toBe(0);

    const second = inClone('clone/script/demo');
    expect(second.stdout).toMatch(/Layer 000-base-debian .*unchanged/);
    expect(second.stdout).toMatch(/Layer 100-nodejs24 .*unchanged/);
    expect(second.stdout).toMatch(/Layer 300-squash-project .*as before/);
    expect(second.status).toBe(0);

    expect(inClone('clone/script/demo --clean').status).toBe(0);
    expect(existsSync(env.SQUASH_DATA)).toBe(false);
  } finally {
    inClone('clone/script/setup --remove');
    for (const folder of [home, env.SQUASH_DATA]) rmSync(folder, { recursive: true, force: true });
  }
});
