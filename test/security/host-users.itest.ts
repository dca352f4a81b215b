// What a user of the host gets to see of sandboxes: nothing. Each attempt is first shown to work as root.
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../support/run.ts';
import { asUser } from './support/as-user.ts';
import { HostileInstallation } from './support/hostile.ts';
import { machinePid } from './support/machine.ts';

let installation: HostileInstallation;
let pid = 0;

beforeAll(async () => {
  installation = await HostileInstallation.start();
  await installation.create('private');
  // The same file twice: made inside, and made on the host.
  await installation.exec('private', 'cp /probe /set-uid && chmod 4755 /set-uid && sync');
  pid = await machinePid(installation, 'private');
});
afterAll(() => installation?.[Symbol.asyncDispose]());

/** What the probe says as a user of the host; `root` is the control. */
function answer(user: string, ...words: string[]): string {
  // The probe lies where every user may execute it.
  const { status, stdout, stderr } = asUser(user, [installation.probe, ...words]);
  if (status !== 0) throw new Error(`Cannot run the probe as ${user}: ${stderr}`);
  return stdout.trim();
}

const sockets = () => {
  const machines = join(installation.host.runFolder, 'machines');
  return readdirSync(machines).map((label) => join(machines, label, 'sock'));
};

type Place = readonly [what: string, path: () => string];
const data = (name: string): Place => [`${name} of the state root`, () => join(installation.host.dataFolder, name)];
const run_folder = (name: string): Place => [
  `${name} of the run folder`,
  () => join(installation.host.runFolder, name),
];
const proc = (name: string): Place => [`/proc/PID/${name} of PID 1`, () => `/proc/${pid}/${name}`];

const OF_NOBODY: readonly Place[] = [
  ...['modules', 'modules/000-base-test.squashfs', 'uppers', 'sandboxes', 'sandboxes/private', 'state', 'staging'].map(
    data,
  ),
  ...['state/sandboxes.jsonl', 'sandboxes/private/log/0001.json'].map(data),
  ...['machines', 'm', 'daemon'].map(run_folder),
  ...['root', 'root/set-uid', 'cwd', 'environ', 'mem', 'fd', 'ns/mnt', 'exe'].map(proc),
];
// The daemon has no privilege: what it does not write itself it does not own.
const OF_DAEMON: readonly Place[] = [
  ...['uppers'].map(data),
  ...['m'].map(run_folder),
  ...['root', 'environ', 'mem', 'fd', 'ns/mnt'].map(proc),
];

describe.each([
  ['nobody', OF_NOBODY],
  ['squash', OF_DAEMON],
] as const)('%s cannot open', (user, places) => {
  test.each(places)('%s', (_what, path) => {
    const words = ['call', 'openat', '-100', `str:${path()}`, '0'];
    expect(answer('root', ...words)).toBe('OK');
    expect(answer(user, ...words)).toBe('EACCES');
  });
});

test("the agent's socket takes the daemon and no other user", () => {
  expect(sockets().length).toBe(1);
  for (const path of sockets()) {
    expect(answer('squash', 'connect', 'unix', path)).toBe('OK');
    expect(answer('nobody', 'connect', 'unix', path)).toBe('EACCES');
  }
});

test('a user of the host cannot signal or trace a process of a sandbox', () => {
  expect(answer('root', 'call', 'kill', `${pid}`, '0')).toBe('OK');
  expect(answer('root', 'read-memory', `${pid}`)).toBe('EFAULT');
  for (const user of ['nobody', 'squash']) {
    expect(answer(user, 'call', 'kill', `${pid}`, '9')).toBe('EPERM');
    expect(answer(user, 'attach', `${pid}`)).toBe('EPERM');
    expect(answer(user, 'read-memory', `${pid}`)).toBe('EPERM');
  }
});

test('no layer, upper or root of a sandbox is mounted where the host can see it', () => {
  const mounts = (of: number | 'self') => readFileSync(`/proc/${of}/mountinfo`, 'utf8').split('\n');
  const ours = (line: string) => line.includes(`${installation.host.runFolder}/m/`);
  expect(mounts(installation.host.brokerPid).filter(ours).length).toBeGreaterThan(2);
  expect(mounts('self').filter(ours)).toEqual([]);
});

describe('a set-uid file that root of a sandbox makes', () => {
  test('is worth root inside', async () => {
    expect(
      await installation.exec('private', 'for f in /probe /set-uid; do su -s /bin/sh -c "$f be-root" nobody; done'),
    ).toMatchObject({
      stdout: 'EPERM\nOK\n',
    });
  });

  test('and would be worth root of the host to one who reached it there', () => {
    const file = join(tmpdir(), 'set-uid');
    copyFileSync(installation.probe, file);
    chmodSync(file, 0o4755);
    const said = asUser('nobody', [file, 'be-root']).stdout.trim();
    rmSync(file);
    expect(said).toBe('OK');
  });

  test('is worth nothing even to one who was handed it open', () => {
    const uppers = join(installation.host.runFolder, 'm/u');
    const inBroker = ['nsenter', `--mount=/proc/${installation.host.brokerPid}/ns/mnt`];
    const found = run([...inBroker, 'find', installation.host.runFolder, '-name', 'set-uid']).stdout.trim();
    expect(found, uppers).not.toBe('');
    expect(run([...inBroker, 'stat', '-c', '%a %u', found]).stdout.trim()).toBe('4755 0');
    const asNobody = 'exec 9<"$1" && exec setpriv --reuid=65534 --regid=65534 --clear-groups /proc/self/fd/9 be-root';
    expect(run([...inBroker, 'sh', '-c', asNobody, 'sh', found])).toMatchObject({ status: 0, stdout: 'EPERM\n' });
  });

  test('because every mount of layers and uppers is nosuid and nodev', () => {
    const lines = readFileSync(`/proc/${installation.host.brokerPid}/mountinfo`, 'utf8').split('\n');
    const images = lines.filter(
      (line) => line.includes(installation.host.runFolder) && / - (squashfs|ext4) \/dev\/loop/.test(line),
    );
    expect(images.length).toBeGreaterThan(2);
    for (const line of images) expect(line.split(' ')[5]).toMatch(/nosuid,nodev/);
  });
});
