import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillBusyboxBase } from '../../support/fixture-layers.ts';
import { PROJECT_ROOT } from '../../support/project-files.ts';
import { run } from '../../support/run.ts';

/** The strings of a table in C. */
function literals(file: string, from: string): string[] {
  const source = readFileSync(join(PROJECT_ROOT, file), 'utf8');
  const start = source.indexOf(from);
  const body = source.slice(start, source.indexOf('};', start)).replaceAll(/\/\*.*?\*\//gs, '');
  return [...body.matchAll(/"([a-z0-9_/-]+)"/g)].map(([, word]) => word ?? '');
}

/** Parts of /proc that are covered, and those that are read-only, as paths below it. */
export const COVERED = procPaths('covered[]');
export const READ_ONLY = procPaths('read_only[]');

function procPaths(table: string): string[] {
  return literals('native/broker/inside.c', table).map((path) => path.replace(/^proc\//, ''));
}

const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'NET_BIND_SERVICE',
];
const MORE_CAPABILITIES = ['NET_RAW', 'SYS_CHROOT', 'MKNOD', 'AUDIT_WRITE', 'SETFCAP'];
const NAMESPACES = ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'];
const FIRST_ID = 1_300_000_000;

const quiet = ['nosuid', 'nodev', 'noexec'];

/** What Squash promises of a sandbox, in the words of the OCI runtime specification. */
function specification(
  command: readonly string[],
  options: { readonly openFiles: number; readonly memoryMib: number },
) {
  const capabilities = [...CAPABILITIES, ...MORE_CAPABILITIES].map((name) => `CAP_${name}`);
  const limit = (type: string, value: number) => ({ type: `RLIMIT_${type}`, soft: value, hard: value });
  const map = [{ containerID: 0, hostID: FIRST_ID, size: 65_536 }];
  const calls = [
    ...literals('native/broker/seccomp-list.h', 'allowed[]'),
    'clone',
    'unshare',
    'socket',
    'prlimit64',
    'setrlimit',
  ];
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args: command,
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', `COVERED=${COVERED.join(' ')}`, `READ_ONLY=${READ_ONLY.join(' ')}`],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [
        limit('NOFILE', options.openFiles),
        limit('CORE', 1),
        limit('MEMLOCK', 8 << 20),
        limit('STACK', 8 << 20),
      ],
      noNewPrivileges: false,
    },
    root: { path: 'rootfs' },
    hostname: 'twin',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: quiet },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'mode=755', 'size=65536'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5', 'max=256'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: [...quiet, 'mode=1777', `size=${options.memoryMib << 19}`],
      },
      { destination: '/sys', type: 'tmpfs', source: 'sys', options: [...quiet, 'ro'] },
    ],
    linux: {
      uidMappings: map,
      gidMappings: map,
      cgroupsPath: '/squash-oracle',
      namespaces: NAMESPACES.map((type) => ({ type })),
      maskedPaths: COVERED.map((path) => `/proc/${path}`),
      readonlyPaths: READ_ONLY.map((path) => `/proc/${path}`),
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 38,
        syscalls: [{ names: calls, action: 'SCMP_ACT_ALLOW' }],
      },
    },
  };
}

/**
 * What a command prints in a container that crun makes from that specification, over the same base.
 * crun refuses a host whose v1 and v2 trees are both mounted: it is shown the v1 ones. It gives its stdin to the container's root,
 * so that it must not be the host's /dev/null.
 */
export function runOracle(
  command: readonly string[],
  options: { readonly openFiles: number; readonly memoryMib: number },
): string {
  const bundle = mkdtempSync(join(tmpdir(), 'crun-'));
  run(['chmod', '711', bundle]);
  const root = join(bundle, 'rootfs');
  mkdirSync(root, { mode: 0o755 });
  fillBusyboxBase(root);
  for (const name of ['proc', 'dev', 'sys']) mkdirSync(join(root, name));
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(specification(command, options)));
  const script = `
    if grep -q ' - cgroup ' /proc/self/mountinfo; then umount --lazy --all --types cgroup2; fi
    cd "$0" && : | crun --root "$0/state" --cgroup-manager=cgroupfs run twin`;
  const { status, stdout, stderr } = run([
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-euc',
    script,
    bundle,
  ]);
  rmSync(bundle, { recursive: true });
  if (status !== 0) throw new Error(`Cannot run crun: ${stderr}`);
  return stdout;
}
