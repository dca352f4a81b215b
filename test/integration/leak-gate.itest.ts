// The gate around every file of this level is only worth something if it finds each kind of leak: here each is planted.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findLeaks, type LeakKind, readHostState } from '../support/leak-gate.ts';

interface Planted {
  /** What the gate must name. */
  readonly what: RegExp;
  remove(): Promise<unknown>;
}

async function plantProcess(command: string, ...words: string[]): Promise<Planted & { readonly pid: number }> {
  const child = spawn(command, words, { stdio: 'ignore', detached: true });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const remove = async (): Promise<void> => {
    const ended = once(child, 'exit');
    process.kill(-pid, 'SIGKILL');
    await ended;
  };
  return { pid, what: new RegExp(`^${pid} `), remove };
}

/** A process whose parent is gone: sh starts it in a session of its own, tells its pid, and ends. */
async function plantOrphan(): Promise<Planted> {
  const pid = Number(execFileSync('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' }));
  return { what: new RegExp(`^${pid} `), remove: async () => process.kill(pid, 'SIGKILL') };
}

async function plantMount(): Promise<Planted> {
  const folder = join(tmpdir(), 'planted-mount');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', 'planted', folder]);
  return {
    what: /planted-mount \(tmpfs/,
    async remove() {
      execFileSync('umount', [folder]);
      rmdirSync(folder);
    },
  };
}

async function plantLoop(): Promise<Planted> {
  const image = join(tmpdir(), 'planted.img');
  writeFileSync(image, '');
  truncateSync(image, 1 << 20);
  const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
  return {
    what: new RegExp(`^${device} of .*planted\\.img`),
    async remove() {
      execFileSync('losetup', ['--detach', device]);
      rmSync(image);
    },
  };
}

async function plantPinnedNamespace(): Promise<Planted> {
  const pin = join(tmpdir(), 'planted-namespace');
  writeFileSync(pin, '');
  execFileSync('unshare', [`--net=${pin}`, 'true']);
  return {
    what: /planted-namespace \(nsfs of net:/,
    async remove() {
      execFileSync('umount', [pin]);
      rmSync(pin);
    },
  };
}

async function plantCgroup(point: string): Promise<Planted> {
  const folder = join(point, 'squash-planted');
  mkdirSync(folder);
  return { what: new RegExp(`^${folder}$`), remove: async () => rmdirSync(folder) };
}

async function plantFile(path: string): Promise<Planted> {
  writeFileSync(path, '');
  return { what: new RegExp(`^${path}$`), remove: async () => rmSync(path) };
}

async function plantSocket(path: string): Promise<Planted> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  return {
    what: new RegExp(`^${path.replace('\0', '@')}$`),
    async remove() {
      server.close();
      await once(server, 'close');
    },
  };
}

const cgroupPoints = execFileSync(
  'findmnt',
  ['--types', 'cgroup,cgroup2', '--noheadings', '--output', 'TARGET', '--list'],
  {
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n');

const kinds: ReadonlyArray<readonly [string, LeakKind, () => Promise<Planted>]> = [
  ['a mount', 'mount', plantMount],
  ['a pinned namespace', 'mount', plantPinnedNamespace],
  ['a loop device', 'loop', plantLoop],
  ['a child', 'process', () => plantProcess('sleep', '1000')],
  ['an orphan', 'process', plantOrphan],
  [
    'a namespace',
    'namespace',
    async () => ({ ...(await plantProcess('unshare', '--net', 'sleep', '1000')), what: /^net:/ }),
  ],
  ['a file in the temporary folder', 'file', () => plantFile(join(tmpdir(), 'planted-file'))],
  ['a file in /tmp', 'file', () => plantFile('/tmp/squash-planted-file')],
  ['a file in /run', 'file', () => plantFile('/run/squash-planted-file')],
  ['a socket', 'socket', () => plantSocket(join(tmpdir(), 'planted-socket'))],
  ['an abstract socket', 'socket', () => plantSocket('\0planted-socket')],
  ...cgroupPoints.map((point) => [`a cgroup in ${point}`, 'cgroup', () => plantCgroup(point)] as const),
];

describe('findLeaks()', () => {
  test.each(kinds)('finds %s, and nothing once it is removed', async (_title, kind, plant) => {
    const before = await readHostState();
    const planted = await plant();
    try {
      await expect
        .poll(() => findLeaks(before, { patienceMs: 0 }), { timeout: 10_000 })
        .toContainEqual({ kind, what: expect.stringMatching(planted.what) });
    } finally {
      await planted.remove();
    }
    expect(await findLeaks(before, { patienceMs: 10_000 })).toEqual([]);
  });

  test('looks into at least one cgroup tree', () => {
    expect(cgroupPoints.filter((point) => point.startsWith('/'))).not.toEqual([]);
  });
});
