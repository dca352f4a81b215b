// A person's first use, from a home that nobody else can enter, under a umask that lets nobody read.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CheckoutCopy, copyCheckout } from '../../support/checkout-copy.ts';
import { fillBusyboxBase } from '../../support/fixture-layers.ts';
import { type PrivateMachine, startPrivateMachine } from '../../support/private-machine.ts';
import { PROJECT_ROOT } from '../../support/project-files.ts';
import type { RunResult } from '../../support/run.ts';

const SETUP_TIMEOUT_MS = 10 * 60_000;
let checkout: CheckoutCopy;
let machine: PrivateMachine;
/** For everybody to enter: a root file system to make a layer of, and the state root. */
let shared: string;
let env: NodeJS.ProcessEnv;
let daemonPid = 0;

beforeAll(async () => {
  checkout = copyCheckout('home', { mode: 0o700 });
  machine = await startPrivateMachine();
  shared = mkdtempSync(join(tmpdir(), 'shared-'));
  machine.run(['chmod', '755', shared]);
  mkdirSync(join(shared, 'root'), { mode: 0o755 });
  fillBusyboxBase(join(shared, 'root'));
  env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: checkout.path,
    SQUASH_DATA: join(shared, 'data'),
    SQUASH_PORT: '0',
    SQUASH_DEFAULT_LAYERS: '000-base-mine',
    SQUASH_UPPER_LIMIT_MB: '32',
    SQUASH_READY_UPPERS: '1',
    SQUASH_DISK_RESERVE_MB: '64',
  };
  // What npm would fetch again; not to be written to, as it is this checkout's.
  must(`mkdir node_modules && mount --bind ${PROJECT_ROOT}/node_modules node_modules`);
  must('mount -o remount,bind,ro node_modules');
}, SETUP_TIMEOUT_MS);
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  checkout[Symbol.dispose]();
  rmSync(shared, { recursive: true, force: true });
});

/** Shell text as its owner writes it, in the checkout. */
function sh(text: string): RunResult {
  return machine.run(['bash', '-c', `umask 077; ${text}`], { cwd: checkout.path, env });
}

function must(text: string): string {
  const { status, stdout, stderr } = sh(text);
  if (status !== 0) throw new Error(`Cannot run ${text}: ${stderr}`);
  return stdout;
}

test('its layer, its daemon and its command line work', { timeout: SETUP_TIMEOUT_MS }, async () => {
  must(`script/squash sq-mkbase from-dir ${shared}/root 000-base-mine`);
  daemonPid = Number(must('script/squashd >squashd.log 2>&1 & echo $!'));
  const log = () => readFileSync(join(checkout.path, 'squashd.log'), 'utf8');
  await expect.poll(log, { timeout: 30_000 }).toContain('"msg":"Serving"');
  env = { ...env, SQUASH_API: /"address":"([^"]+)"/.exec(log())?.[1] };

  must('script/squash create box me');
  expect(must('script/squash exec box -- sh -c "id -u; umask; echo mine > /root/file"')).toBe('0\n0022\n');
  expect(must('script/squash exec box cat /root/file')).toBe('mine\n');
  expect(JSON.parse(must('script/squash info --json box'))).toMatchObject({ id: 'box', state: 'running' });
  // The daemon is nobody that could enter here.
  expect(must(`ps -o user= --ppid ${daemonPid}`)).toContain('squash');
  must('script/squash destroy box');
});

test('a state root that its daemon could not enter is refused, by name of what is in the way', () => {
  const { status, stderr } = sh('SQUASH_DATA=$PWD/data exec script/squashd');
  expect(stderr).toContain('a folder above the state root is closed to user squash');
  expect(status).not.toBe(0);
  expect(must('ls data')).toBe('');
});

test('it stops cleanly and leaves nothing', () => {
  // kill(2): 0 would be everybody here.
  expect(daemonPid).toBeGreaterThan(1);
  process.kill(daemonPid, 'SIGTERM');
  must(`while kill -0 ${daemonPid} 2>/dev/null; do sleep 0.05; done`);
  expect(must(`umount node_modules; script/setup --remove; ls -d ${shared}/data/sandboxes/* 2>/dev/null | wc -l`)).toBe(
    '0\n',
  );
});
