import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Check } from '../../../src/cli/doctor-check.ts';
import { Installation } from '../../support/installation.ts';
import { INSTALLED } from '../../support/installed.ts';
import { startPrivateMachine } from '../../support/private-machine.ts';
import { type RunResult, run } from '../../support/run.ts';
import { PROGRAM } from './squash-process.ts';

const TOKEN = 'correct-horse';
const SQUASH = [`${INSTALLED}/node`, `${INSTALLED}/squash.mjs`];
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

let installation: Installation;
/** What doctor says of it while nothing is wrong; this host may lack something that one can live without. */
let healthy: ReadonlyMap<string, Check>;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  chmodSync(folder, 0o755);
  installation = await Installation.start({ env: { SQUASH_AUTH_TOKEN: TOKEN } });
  await installation.call('POST', '/cgi-bin/api/sandboxes', { id: 'one', memory_mb: 64 });
  healthy = checksOf(doctor());
});
afterAll(async () => {
  await installation[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const envOf = (more: NodeJS.ProcessEnv = {}) => ({ ...installation.env, SQUASH_API: installation.url, ...more });
const doctor = (env: NodeJS.ProcessEnv = {}) => run([...SQUASH, 'doctor', '--json'], { env: envOf(env) });

function checksOf({ stdout, stderr }: RunResult): Map<string, Check> {
  expect(stderr).toBe('');
  return new Map((JSON.parse(stdout) as Check[]).map((check) => [check.name, check]));
}

/** The state of everything that is not as it was while nothing was wrong. */
function changed(result: RunResult): Record<string, string | undefined> {
  const checks = checksOf(result);
  const names = [...new Set([...healthy.keys(), ...checks.keys()])];
  return Object.fromEntries(
    names
      .filter((name) => checks.get(name)?.state !== healthy.get(name)?.state)
      .map((name) => [name, checks.get(name)?.state]),
  );
}

/** A folder with a broker that gives this answer instead of probing the kernel. */
function brokerThatSays(answer: string): NodeJS.ProcessEnv {
  const lib = mkdtempSync(join(folder, 'lib-'));
  writeFileSync(join(lib, 'squash-broker'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
  return { SQUASH_LIB: lib };
}

test('of a healthy installation, it says what there is, and nothing is wrong', () => {
  const { status, stdout, stderr } = run([...SQUASH, 'doctor'], { env: envOf() });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const line of [
    /^ok +mksquashfs +\/usr\/bin\/mksquashfs$/m,
    /^ok +user squash +uid \d+$/m,
    /^ok +ids of sandboxes +from \d+$/m,
    /^ok +idmapped-squashfs$/m,
    /^ok +layers +1 in \//m,
    /^ok +daemon +http:\/\/127\.0\.0\.1:\d+, backend chroot, 1 sandboxes$/m,
  ])
    expect(stdout).toMatch(line);
  expect(stdout).not.toContain('FAULT');
  expect(stdout).not.toContain('\x1b');
  for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
});

test('--json has every line of the table', () => {
  const { stdout } = run([...SQUASH, 'doctor'], { env: envOf() });
  expect(healthy.size).toBeGreaterThan(15);
  for (const { name, state } of healthy.values())
    expect(stdout).toMatch(new RegExp(`^${state === 'fault' ? 'FAULT' : state} +${name}( |$)`, 'm'));
});

describe('it finds', () => {
  test.each<[string, () => NodeJS.ProcessEnv, Record<string, string>]>([
    ['a token that the daemon does not take', () => ({ SQUASH_AUTH_TOKEN: 'wrong' }), { daemon: 'fault' }],
    ['another daemon, which is away', () => ({ SQUASH_API: 'http://127.0.0.1:1' }), { daemon: 'fault' }],
    ['a state root that is none', () => ({ SQUASH_DATA: '/etc/hostname' }), { layers: 'fault' }],
    ['ids that the host has given away', () => ({ SQUASH_UID_BASE: '65536' }), { 'ids of sandboxes': 'lack' }],
    ['that the default layer is missing', () => ({ SQUASH_DEFAULT_LAYERS: '000-base-x' }), { layers: 'lack' }],
  ])('%s', (_what, env, found) => {
    const result = doctor(env());
    expect(changed(result)).toEqual(found);
    expect(result.status).toBe(Object.values(found).includes('fault') ? 1 : 0);
    for (const name of Object.keys(found)) expect(checksOf(result).get(name)?.detail).not.toBe('');
  });

  test('a kernel that cannot map squashfs, and one that is a little poorer', () => {
    const says = (answers: object) => doctor(brokerThatSays(`echo '${JSON.stringify(answers)}'`));
    const poor = says({ 'idmapped-squashfs': true, 'swap-accounting': false });
    expect(poor.status).toBe(0);
    expect(checksOf(poor).get('swap-accounting')).toMatchObject({
      state: 'lack',
      detail: expect.stringMatching(/swap/),
    });
    const old = says({ 'idmapped-squashfs': false, 'swap-accounting': true });
    expect(old.status).toBe(1);
    expect(checksOf(old).get('idmapped-squashfs')).toMatchObject({ state: 'fault' });
  });

  test('a broker that is missing, and one that fails', () => {
    const missing = doctor({ SQUASH_LIB: folder });
    expect(missing.status).toBe(1);
    expect(checksOf(missing).get('squash-broker')).toMatchObject({ state: 'fault', remedy: 'script/setup' });
    const broken = doctor(brokerThatSays('exit 9'));
    expect(broken.status).toBe(1);
    expect(checksOf(broken).get('kernel')).toMatchObject({
      state: 'fault',
      detail: expect.stringContaining('probe failed'),
    });
  });

  test('on a machine that was never set up: users, ids, settings, and a program that cannot be run', async () => {
    await using machine = await startPrivateMachine();
    const notExecutable = join(folder, 'not-executable');
    writeFileSync(notExecutable, '');
    for (const program of ['mksquashfs', 'mmdebstrap'])
      expect(machine.run(['mount', '--bind', notExecutable, `/usr/bin/${program}`]).status).toBe(0);
    const env = envOf({ SQUASH_UID_BASE: undefined });
    const result = machine.run([process.execPath, PROGRAM, 'doctor', '--json'], { env });
    expect(result.status).toBe(1);
    expect(changed(result)).toEqual({
      mksquashfs: 'fault',
      mmdebstrap: 'fault',
      'user squash': 'fault',
      'user squash-build': 'fault',
      'ids of builders': 'fault',
      'ids of sandboxes': 'fault',
    });
    expect(checksOf(result).get('mksquashfs')).toMatchObject({ remedy: 'apt-get install squashfs-tools' });
  });
});

test('without root, it says what it did not look at, and that is no fault', () => {
  const result = run([...AS_NOBODY, ...SQUASH, 'doctor', '--json'], { env: envOf() });
  expect(result.status).toBe(0);
  expect(changed(result)).toMatchObject({ layers: 'lack', kernel: 'lack' });
  expect(checksOf(result).get('layers')).toMatchObject({ remedy: 'run squash doctor as root' });
});

test('once the daemon is stopped, it says so, and how to start it', async () => {
  await installation.stop();
  const { status, stdout } = run([...SQUASH, 'doctor'], { env: envOf() });
  expect(status).toBe(1);
  expect(stdout).toMatch(/^FAULT +daemon +Cannot reach squashd at /m);
  expect(stdout).toMatch(/^ +→ script\/squashd starts it; SQUASH_API names another$/m);
  expect(changed(doctor())).toEqual({ daemon: 'fault' });
  await installation.start();
  expect(changed(doctor())).toEqual({});
});
