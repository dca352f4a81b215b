// What a sandbox sees of the sandbox beside it, of the host's processes, sockets and network, and of the layers that all share.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../support/run.ts';
import { HostileInstallation } from './support/hostile.ts';
import { machinePid } from './support/machine.ts';

let installation: HostileInstallation;
const pids = { hostile: 0, victim: 0 };

beforeAll(async () => {
  installation = await HostileInstallation.start();
  await installation.create('hostile');
  await installation.create('victim');
  pids.hostile = await machinePid(installation, 'hostile');
  pids.victim = await machinePid(installation, 'victim');
});
afterAll(() => installation?.[Symbol.asyncDispose]());

async function listen(where: string | { port: number; host: string }): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(where);
  await once(server, 'listening');
  return server;
}

const onHost = (...words: string[]) => run([installation.probe, ...words]).stdout.trim();

test.each(['uid_map', 'gid_map'])('%s: each has 65536 ids of its own, and none of the host', (file) => {
  const [hostile, victim] = [pids.hostile, pids.victim].map((pid) => {
    const [inside, outside, count] = readFileSync(`/proc/${pid}/${file}`, 'utf8').trim().split(/\s+/).map(Number);
    expect({ inside, count }).toEqual({ inside: 0, count: 65_536 });
    return outside ?? 0;
  });
  expect(Math.min(hostile ?? 0, victim ?? 0)).toBeGreaterThan(65_536);
  expect(Math.abs((hostile ?? 0) - (victim ?? 0))).toBeGreaterThanOrEqual(65_536);
});

test.each(['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'])('each has a %s namespace of its own', (name) => {
  const links = [pids.hostile, pids.victim, 'self'].map((pid) => readlinkSync(`/proc/${pid}/ns/${name}`));
  expect(new Set(links).size).toBe(3);
});

test("a neighbour's file is not there", async () => {
  await installation.exec('victim', 'echo secret > /root/file');
  expect(await installation.exec('victim', 'cat /root/file')).toMatchObject({ stdout: 'secret\n' });
  expect(await installation.answer('hostile', ['read', '/root/file'])).toBe('ENOENT');
  for (const pid of [pids.victim, installation.host.daemonPid, installation.host.brokerPid]) {
    expect(onHost('call', 'openat', '-100', `str:/proc/${pid}/root`, '0')).toBe('OK');
    expect(await installation.answer('hostile', ['call', 'openat', '-100', `str:/proc/${pid}/root`, '0'])).toBe(
      'ENOENT',
    );
  }
});

test('no process but its own can be seen or signalled', async () => {
  const inside = (await installation.exec('hostile', 'ls /proc')).stdout
    .split('\n')
    .filter((name) => /^\d+$/.test(name));
  expect(inside).toContain('1');
  expect(inside.length).toBeLessThan(8);
  for (const pid of [pids.victim, installation.host.daemonPid, installation.host.brokerPid]) {
    expect(onHost('call', 'kill', `${pid}`, '0')).toBe('OK');
    expect(await installation.answer('hostile', ['call', 'kill', `${pid}`, '9'])).toBe('ESRCH');
  }
  // -1 is everybody that one may signal: all of its own sandbox, the probe's shell too.
  await installation.exec('hostile', '/probe call kill -1 9');
  expect(await installation.exec('victim', 'echo alive')).toMatchObject({ stdout: 'alive\n' });
  expect(await installation.exec('hostile', 'echo alive')).toMatchObject({ stdout: 'alive\n' });
});

test('a socket of the host, abstract or TCP, is not there', async () => {
  const name = `squash-test-${process.pid}`;
  const abstract = await listen(`\0${name}`);
  const tcp = await listen({ port: 0, host: '0.0.0.0' });
  const address = tcp.address();
  const port = typeof address === 'object' ? `${address?.port}` : '';
  try {
    // As node binds it: the whole of sun_path, filled up with zeros, or just the name.
    expect(onHost('connect', 'abstract', name)).toBe('OK');
    expect(await installation.answer('hostile', ['connect', 'abstract', name])).toBe('ECONNREFUSED');
    expect(onHost('connect', 'tcp', '127.0.0.1', port)).toBe('OK');
    expect(await installation.answer('hostile', ['connect', 'tcp', '127.0.0.1', port])).toBe('ECONNREFUSED');
    const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    for (const each of addresses.filter(({ family, internal }) => family === 'IPv4' && !internal)) {
      expect(onHost('connect', 'tcp', each.address, port)).toBe('OK');
      expect(await installation.answer('hostile', ['connect', 'tcp', each.address, port])).toBe('ENETUNREACH');
    }
  } finally {
    abstract.close();
    tcp.close();
  }
});

test("the API of the host's daemon cannot be reached, nor cloud metadata", async () => {
  const { hostname, port } = new URL(installation.host.url);
  expect(onHost('connect', 'tcp', hostname, port)).toBe('OK');
  expect(await installation.answer('hostile', ['connect', 'tcp', hostname, port])).toBe('ECONNREFUSED');
  expect(await installation.answer('hostile', ['connect', 'tcp', '169.254.169.254', '80'])).toBe('ENETUNREACH');
});

test('the only interface is loopback, and it is a loopback of its own', async () => {
  const { stdout } = await installation.exec('hostile', 'cat /proc/net/dev | tail -n +3 | cut -d: -f1');
  expect(stdout.trim()).toBe('lo');
  const served = await installation.exec(
    'hostile',
    '(echo hi | nc -l -p 80 &) ; for i in 1 2 3 4 5 6 7 8 9; do nc 127.0.0.1 80 && break; usleep 50000; done',
  );
  expect(served.stdout).toBe('hi\n');
  expect(await installation.answer('victim', ['connect', 'tcp', '127.0.0.1', '80'])).toBe('ECONNREFUSED');
});

test("the agent's socket is listed inside, and its address tells nothing of the host", async () => {
  const addresses = async (id: string, before = '') =>
    (await installation.exec(id, `${before} awk 'NR > 1 && $8 { print $8 }' /proc/net/unix`)).stdout.trim().split('\n');
  expect(await addresses('victim')).toEqual(['sock']);
  // The control: what is bound by a whole path, as busybox's syslogd does it, is shown by that.
  const bind = 'mkdir -p /var/run; syslogd -O /tmp/log; until [ -S /dev/log ]; do usleep 1000; done;';
  // The kernel lists them in the order of a hash.
  expect((await addresses('hostile', bind)).toSorted()).toEqual(['/dev/log', 'sock']);
});

test('what a sandbox does to the files of a layer stays in that sandbox', async () => {
  const layers = join(installation.host.dataFolder, 'modules/sha256');
  const digests = () =>
    readdirSync(layers).map((name) => [
      name,
      `${createHash('sha256')
        .update(readFileSync(join(layers, name)))
        .digest('hex')}.squashfs`,
    ]);
  const damage = 'echo "evil::0:0::/:/bin/sh" >> /etc/passwd && rm /bin/vi && chmod 0 /probe && mv /etc/group /etc/g';
  expect(await installation.exec('victim', damage)).toMatchObject({ exit_code: 0, stderr: '' });
  await installation.exec('victim', 'sync');
  expect(await installation.exec('hostile', 'grep -c evil /etc/passwd; ls /bin/vi /etc/group')).toMatchObject({
    stdout: '0\n/bin/vi\n/etc/group\n',
  });
  expect(digests().length).toBe(2);
  for (const [name, digest] of digests()) expect(digest).toBe(name);
});
