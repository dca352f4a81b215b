// User namespaces inside: off unless asked for, and what asking for them does not open.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HostileInstallation } from './support/hostile.ts';

const HOST_LIMIT = '/proc/sys/user/max_user_namespaces';
const NEW_USER = ['call', 'unshare', '0x10000000'];

let installation: HostileInstallation;
let hostLimit = '';

beforeAll(async () => {
  hostLimit = readFileSync(HOST_LIMIT, 'utf8');
  installation = await HostileInstallation.start();
  await installation.create('plain');
  await installation.create('nesting', { nesting: true });
});
afterAll(() => installation?.[Symbol.asyncDispose]());

test('only a sandbox that was created with nesting has user namespaces', async () => {
  expect(await installation.answer('plain', NEW_USER)).toBe('EPERM');
  expect(await installation.answer('nesting', NEW_USER)).toBe('OK');
  expect((await installation.exec('plain', `cat ${HOST_LIMIT}`)).stdout).toBe('0\n');
});

test("the sandbox's limit is not the host's", () => {
  expect(Number(hostLimit)).toBeGreaterThan(0);
  expect(readFileSync(HOST_LIMIT, 'utf8')).toBe(hostLimit);
});

test('root of a nested namespace may mount what is its own', async () => {
  const script = 'mount -t tmpfs own /tmp && grep -c "^own /tmp tmpfs " /proc/self/mounts';
  expect(await installation.exec('nesting', `unshare -Urm sh -c '${script}'`)).toMatchObject({
    stdout: '1\n',
    stderr: '',
  });
});

// In a namespace of its own, with every capability there.
test.each([
  ['mknod', 'call mknodat -100 str:/tmp/null 020666 0x103', 'EPERM'],
  ['bpf', 'call bpf 0 u32:2,4,4,1 72', 'EPERM'],
  ['keyctl', 'call keyctl 0 -3 0', 'EPERM'],
  ['io_uring', 'call io_uring_setup 1 u32:0', 'EPERM'],
  ['perf', 'call perf_event_open u32:1,64 0 -1 -1 0', 'EPERM'],
  ['packet sockets', 'call socket 17 3 0', 'EAFNOSUPPORT'],
  ['clone3', 'call clone3 u64:0x10000000,0,0,0,17 64', 'ENOSYS'],
  ['a filter table of the network', 'nft-table', 'EPERM'],
  ['the memory of the agent', 'read-memory 1', 'EPERM'],
  ['setns to the agent', 'call setns open:/proc/1/ns/net 0', 'open: EACCES'],
  ['write core_pattern', 'rewrite /proc/sys/kernel/core_pattern', 'EACCES'],
  ['umount the cover of /proc/sys', 'call umount2 str:/proc/sys 2', 'EINVAL'],
])('nesting does not open: %s', async (_what, probe, refused) => {
  const { stdout, stderr } = await installation.exec('nesting', `unshare -Urm /probe ${probe}`);
  expect(`${stdout.trim()}${stderr}`).toBe(refused);
});
