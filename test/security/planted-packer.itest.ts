// In the place of squash-packer, a program that is out to do harm: what it tries is refused, and done outside as a control.
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INSTALLED } from '../support/installed.ts';
import { run } from '../support/run.ts';
import { PlantedPacker } from './support/planted.ts';
import { answerUnprotected } from './support/unprotected.ts';

let planted: PlantedPacker;
let server: Server;
beforeAll(async () => {
  planted = await PlantedPacker.start();
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server?.close();
  await planted?.[Symbol.asyncDispose]();
});

/** What the packer was answered: it tells in the way of one that fails. */
async function answer(words: string): Promise<string> {
  const { status, body } = await planted.pack(`try ${words}`);
  expect(status).toBe(409);
  const { error } = body as { error: string };
  return /\(([A-Z0-9]+)\)/.exec(error)?.[1] ?? error;
}

// `%daemon` and `%broker` are pids, `%port` is one that somebody listens at on loopback.
const ATTEMPTS: readonly (readonly [what: string, words: string, inside: string | readonly string[]])[] = [
  ['read a file of root', 'read /etc/shadow', 'ENOENT'],
  ['read a file of root that it can see', `read ${INSTALLED}/squash-agent`, 'EACCES'],
  ['read the state root', 'read %data/.lock', 'ENOENT'],
  ['read /proc', 'read /proc/1/status', 'ENOENT'],
  ['read a device', 'read /dev/urandom', 'ENOENT'],
  ['signal the daemon', 'call kill %daemon 0', 'ESRCH'],
  ['signal the broker', 'call kill %broker 0', 'ESRCH'],
  ['trace the daemon', 'attach %daemon', ['ESRCH', 'EPERM']],
  ['connect to a port of the host', 'connect tcp 127.0.0.1 %port', 'ENETUNREACH'],
  ['make a file', 'call openat -100 str:/tmp/made 0x41 0600', ['ENOENT', 'EROFS']],
  ['open what it packs for writing', 'call openat -100 str:/0/attempt 1', 'EROFS'],
];

// Answered to host root in namespaces of its own.
const PRIVILEGED: readonly (readonly [what: string, words: string])[] = [
  ['mount', 'call mount str:none str:/tmp str:tmpfs 0 0'],
  ['make a mount writable', 'call mount 0 str:/tmp 0 0x20 0'],
  ['unmount', 'call umount2 str:/tmp 2'],
  ['make a mount namespace', 'call unshare 0x20000'],
  ['make a user namespace', 'call unshare 0x10000000'],
  ['set the host name', 'call 170 str:name 4'],
  ['make a device', 'call mknodat -100 str:/tmp/device 0x2180 0x109'],
];

function filledIn(words: string): string[] {
  const { daemonPid, brokerPid, dataFolder } = planted.host;
  const { port } = server.address() as AddressInfo;
  const values = { daemon: daemonPid, broker: brokerPid, data: dataFolder, port };
  return words.replaceAll(/%(\w+)/g, (_, name: keyof typeof values) => `${values[name]}`).split(' ');
}

test.each(ATTEMPTS)('a packer cannot %s, as a process of root outside can', async (_, words, inside) => {
  expect(await answer(filledIn(words).join(' '))).toBeOneOf([inside].flat());
  // What is only in the view is made for the control.
  const control = filledIn(words.replace('/0/attempt', '/dev/null').replace('/tmp/made', '/dev/null'));
  expect(run([planted.probe, ...control]).stdout.trim()).toMatch(/^(OK|EOF)$/);
});

test.each(PRIVILEGED)('a packer cannot %s, as root outside can', async (_, words) => {
  expect(await answer(words)).toBeOneOf(['EPERM', 'ENOSYS', 'EROFS', 'ENOENT']);
  expect(answerUnprotected(planted.probe, words.split(' '))).toBe('OK');
});

test('a packer can write its image, and no more than the sandbox can hold', async () => {
  expect(await answer('call openat -100 str:/image 1')).toBe('OK');
  const { status, body } = await planted.pack('endless image');
  expect(status).toBe(409);
  const [, mebibytes] = /\((\d+) MiB\): EFBIG/.exec((body as { error: string }).error) ?? [];
  // The layer itself, and what tables take.
  expect(Number(mebibytes)).toBeLessThanOrEqual(32 + 64);
  expect(planted.taken()).toEqual([]);
});
