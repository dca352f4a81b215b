// What the daemon and the broker know stays with them: tokens, keys, descriptors, sockets.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HostileInstallation } from './support/hostile.ts';
import { machinePid } from './support/machine.ts';

const SECRETS = {
  SQUASH_AUTH_TOKEN: 'planted-token',
  AWS_ACCESS_KEY_ID: 'planted-id',
  AWS_SECRET_ACCESS_KEY: 'planted-key',
};

let installation: HostileInstallation;
let pid = 0;

beforeAll(async () => {
  installation = await HostileInstallation.start({ env: { ...SECRETS, SQUASH_LISTEN: '127.0.0.1' } });
  await installation.create('curious');
  pid = await machinePid(installation, 'curious');
});
afterAll(() => installation?.[Symbol.asyncDispose]());

const environmentOf = (of: number) => readFileSync(`/proc/${of}/environ`, 'utf8');

test('the environment of the daemon is not that of a command, nor of the agent', async () => {
  for (const value of Object.values(SECRETS)) expect(environmentOf(installation.host.daemonPid)).toContain(value);
  const { stdout } = await installation.exec('curious', 'env');
  expect(stdout).toMatch(/^PATH=/m);
  expect(stdout).not.toMatch(/planted|SQUASH|AWS/);
  expect(environmentOf(pid)).toBe('');
});

test('no file that a sandbox can read holds them', async () => {
  await installation.exec('curious', 'echo planted-here > /root/control');
  // /proc but for its endless files, and everything else; what is refused says so on stderr.
  const search =
    'grep -rlE "planted-(here|token|id|key)" /root /etc /tmp /run /home /var /dev/shm /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null';
  const { stdout } = await installation.exec('curious', search);
  const found = stdout
    .trim()
    .split('\n')
    .filter((path) => !path.endsWith('/cmdline'));
  expect(found).toEqual(['/root/control']);
});

test('a command has three descriptors, and none of them leads out', async () => {
  const { stdout } = await installation.exec(
    'curious',
    'for fd in /proc/self/fd/*; do echo $fd $(readlink $fd); done; ls -l /proc/$$/fd',
  );
  const open = stdout
    .split('\n')
    .filter((line) => line.includes('->'))
    .map((line) => line.replace(/^.*?(\d+ -> .*)$/, '$1'));
  expect(open.length).toBe(3);
  expect(open.map((line) => line.replace(/\[\d+\]/, '[]')).toSorted()).toEqual([
    '0 -> /dev/null',
    '1 -> pipe:[]',
    '2 -> pipe:[]',
  ]);
});

test('the agent has its socket, /proc and pipes of its own, and nothing of the broker', () => {
  const folder = `/proc/${pid}/fd`;
  const links = readdirSync(folder).map((fd) => `${fd} ${readlinkSync(`${folder}/${fd}`).replace(/\[\d+\]/, '')}`);
  expect(links.toSorted()).toEqual([
    '0 /dev/null',
    '1 /dev/null',
    '2 /dev/null',
    '3 socket:',
    '4 /proc',
    '5 pipe:',
    '6 pipe:',
  ]);
});

test('the run folder, its sockets and the state root are not there', async () => {
  const { host } = installation;
  expect(readdirSync(`${host.runFolder}/machines`)).toHaveLength(1);
  for (const path of [
    '/run/squash',
    host.runFolder,
    host.dataFolder,
    '/etc/squash/squash.env',
    '/usr/local/lib/squash',
  ])
    expect(await installation.answer('curious', ['read', path])).toBe('ENOENT');
});

test('the mount table of a sandbox names no path of the host but those of its overlay', async () => {
  const { stdout } = await installation.exec('curious', 'cat /proc/self/mountinfo');
  const points = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[4]);
  expect(points).toContain('/');
  expect(points.length).toBeGreaterThan(10);
  expect(points.filter((point) => !/^\/($|proc|dev|sys)/.test(point ?? ''))).toEqual([]);
  expect(stdout).not.toContain(installation.host.dataFolder);
});
