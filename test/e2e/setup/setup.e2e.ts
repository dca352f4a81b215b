// The whole of script/setup and its way back, from a clone that only its owner can enter, under a strict umask.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CheckoutCopy, copyCheckout } from '../../support/checkout-copy.ts';
import { type PrivateMachine, startPrivateMachine } from '../../support/private-machine.ts';
import type { RunResult } from '../../support/run.ts';

const SETUP_TIMEOUT_MS = 10 * 60_000;
const INSTALL_ROOT = '/usr/local/lib/squash';

let checkout: CheckoutCopy;
let machine: PrivateMachine;

beforeAll(async () => {
  checkout = copyCheckout('clone', { mode: 0o700 });
  machine = await startPrivateMachine();
});
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  checkout[Symbol.dispose]();
});

/** Shell text on the private machine, in the checkout. */
function sh(text: string): RunResult {
  return machine.run(['sh', '-c', text], { cwd: checkout.path });
}

function setup(...words: string[]): RunResult {
  return machine.run(['bash', '-c', 'umask 077; exec script/setup "$@"', 'bash', ...words], { cwd: checkout.path });
}

const bundle = (): string =>
  sh(`echo ${INSTALL_ROOT}/*/checkout`)
    .stdout.trim()
    .replace(/\/checkout$/, '');

test('the first run does what it announces', { timeout: SETUP_TIMEOUT_MS }, () => {
  // 2^30 is taken on this machine.
  sh('echo somebody:1500000000:10 >> /etc/subgid');
  const { status, stderr } = setup();
  expect(stderr).toMatch(
    /users {5}squash .*\n {2}settings .*squash\.env.*\n {2}programs .*\/usr\/local\/lib\/squash\//,
  );
  expect(stderr).toContain('Squash is set up');
  expect(status).toBe(0);
});

test('what it installed belongs to root and has the modes that it must have', () => {
  const listing = sh(`cd ${bundle()} && stat -c '%A %U:%G %n' . node/.. *`).stdout;
  expect(listing.trim().split('\n')).toEqual(
    expect.arrayContaining([
      'drwxr-xr-x root:root .',
      '-rwx--x--x root:root squash-agent',
      '-rwxr-xr-x root:root squash-broker',
      '-rw-r--r-- root:root squash.mjs',
      '-rw-r--r-- root:root squashd.mjs',
    ]),
  );
  expect(sh(`find ${INSTALL_ROOT} -name '*.new'`).stdout).toBe('');
});

test('the users exist, own no login, and the builder has subordinate ids', () => {
  expect(sh('getent passwd squash squash-build').stdout).toMatch(
    /^squash:.*:\/usr\/sbin\/nologin\nsquash-build:.*:\/usr\/sbin\/nologin\n$/,
  );
  expect(sh('grep -h ^squash-build: /etc/subuid /etc/subgid').stdout).toMatch(/^(squash-build:\d+:65536\n){2}$/);
});

test('the ids of sandboxes meet no range of the machine', () => {
  expect(sh('cat /etc/squash/squash.env').stdout).toBe('SQUASH_UID_BASE=2147483648\n');
});

test('the daemon’s user runs the programs and cannot enter the clone', () => {
  const asDaemon = 'setpriv --reuid=squash --regid=squash --clear-groups';
  expect(sh(`cd / && ${asDaemon} ${bundle()}/node --version`).stdout).toMatch(/^v24\./);
  expect(sh(`cd / && ${asDaemon} head -c 1 ${bundle()}/squashd.mjs`).status).toBe(0);
  expect(sh(`cd / && ${asDaemon} head -c 1 ${bundle()}/squash-agent`).status).not.toBe(0);
  expect(sh(`cd / && ${asDaemon} ls ${checkout.path}`).status).not.toBe(0);
});

test('a second run has nothing to do, and a quiet one says nothing', () => {
  expect(setup()).toEqual({ status: 0, stdout: '', stderr: 'Squash is set up: nothing to do.\n' });
  expect(setup('--quiet')).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('a changed source is built and installed again, and nothing else is done', { timeout: SETUP_TIMEOUT_MS }, () => {
  appendFileSync(join(checkout.path, 'src/bin/squash.ts'), '\nprocess.title = "changed";\n');
  const { status, stderr } = setup();
  expect(status).toBe(0);
  expect(stderr).toMatch(/Building the programs[ .]*done.*\nInstalling into/);
  expect(stderr).not.toMatch(/npm|squash-broker/);
  expect(sh(`grep -c 'process.title = "changed"' ${bundle()}/squash.mjs`).stdout).toBe('1\n');
});

test('a file that vanished from the installation comes back', { timeout: SETUP_TIMEOUT_MS }, () => {
  sh(`rm ${bundle()}/squash-broker`);
  expect(setup().status).toBe(0);
  expect(sh(`test -x ${bundle()}/squash-broker`).status).toBe(0);
});

test('a missing Debian package is installed, and all that came with it is recorded', {
  timeout: SETUP_TIMEOUT_MS,
}, () => {
  // Stand-ins: attr is missing until apt-get was called, and brings a library along.
  sh(`mkdir ../fake && cd ../fake
    printf '#!/bin/sh\n[ ! -e ${checkout.path}/../fake/done ] || echo installed libattr9\n/usr/bin/dpkg-query "$@" | { [ -e ${checkout.path}/../fake/done ] && cat || grep -v " attr$"; }\n' > dpkg-query
    printf '#!/bin/sh\necho "$@" >> ${checkout.path}/../fake/done\n' > apt-get
    chmod +x dpkg-query apt-get`);
  const fake = machine.run(['sh', '-c', 'PATH="$PWD/../fake:$PATH" exec script/setup'], { cwd: checkout.path });
  expect(fake.stderr).toContain('packages  attr\n');
  expect(fake.status).toBe(0);
  expect(sh('cat ../fake/done').stdout).toBe('install -y --no-install-recommends attr\n');
  expect(sh(`cat ${INSTALL_ROOT}/packages`).stdout).toBe('attr\nlibattr9\n');
  sh('rm -r ../fake');
});

test('--remove refuses while Squash runs', () => {
  const script = `cp /bin/sleep ${bundle()}/sleep && { ${bundle()}/sleep 1000 & } && script/setup --remove; status=$?; kill $!; rm ${bundle()}/sleep; exit $status`;
  const { status, stderr } = sh(script);
  expect(status).toBe(1);
  expect(stderr).toMatch(/Cannot remove Squash: it is running \(pids \d+\)/);
  expect(sh(`test -d ${bundle()}`).status).toBe(0);
});

test('--remove keeps what another checkout uses', () => {
  sh(
    `mkdir -p ${INSTALL_ROOT}/other && echo /usr > ${INSTALL_ROOT}/other/checkout && ln -s $(readlink ${bundle()}/node) ${INSTALL_ROOT}/other/node`,
  );
  const { status, stderr } = setup('--remove');
  expect(stderr).toContain('other checkouts use them');
  expect(status).toBe(0);
  expect(sh('getent passwd squash && cat /etc/squash/squash.env').status).toBe(0);
  expect(sh(`ls ${INSTALL_ROOT}`).stdout).toMatch(/^node-24\S+\nother\npackages\n$/);
  expect(sh('ls -d node_modules build dist').stdout).toBe('');
});

test('--remove of the last checkout leaves nothing, and tells which packages stay', () => {
  sh(`rm -r ${INSTALL_ROOT}/other`);
  const { status, stderr } = setup('--remove');
  expect(status).toBe(0);
  expect(stderr).toContain('dpkg --purge attr libattr9\n');
  expect(sh(`ls -d ${INSTALL_ROOT} /etc/squash`).stdout).toBe('');
  expect(sh('grep -h ^squash /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/subgid').stdout).toBe('');
  expect(setup('--remove').status).toBe(0);
});
