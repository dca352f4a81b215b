/** Ids of the yardstick's user namespace: any range that nobody on the host has. */
const FIRST_ID = 1_700_000_000;
const MIB = 1024 * 1024;

// What Squash's own filter refuses, in short: a profile of this length takes crun as long as one of any other.
const REFUSED = [
  'add_key',
  'bpf',
  'init_module',
  'io_uring_setup',
  'kexec_load',
  'keyctl',
  'mount',
  'open_by_handle_at',
];
const NAMESPACES = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user'];

/**
 * A container that is bounded as a sandbox is: all namespaces, limits, seccomp, masked paths. What it lacks is in its favour:
 * the tree is an overlay that is there already.
 */
export function ociConfig(rootPath: string, argv: readonly string[]): object {
  const map = [{ containerID: 0, hostID: FIRST_ID, size: 65_536 }];
  const capabilities = [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_KILL',
    'CAP_NET_BIND_SERVICE',
    'CAP_SETGID',
    'CAP_SETUID',
  ];
  return {
    ociVersion: '1.0.0',
    hostname: 'yardstick',
    root: { path: rootPath, readonly: false },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: argv,
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
      },
    ],
    linux: {
      namespaces: NAMESPACES.map((type) => ({ type })),
      uidMappings: map,
      gidMappings: map,
      resources: {
        memory: { limit: 1024 * MIB },
        pids: { limit: 1024 },
        cpu: { quota: 200_000, period: 100_000 },
      },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: REFUSED, action: 'SCMP_ACT_ERRNO' }],
      },
      maskedPaths: ['kcore', 'keys', 'timer_list', 'sched_debug', 'kmsg', 'kallsyms', 'modules', 'acpi', 'scsi'].map(
        (name) => `/proc/${name}`,
      ),
      readonlyPaths: ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs'].map((name) => `/proc/${name}`),
    },
  };
}
