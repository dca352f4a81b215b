import type { Attempt } from '../support/attempt.ts';

// Numbers of mknod(2): 0o020000 a character device, 0o060000 a block device; a device is major << 8 | minor.
const CREATE = 'call mknodat -100';

/** Device nodes, and files of /proc and /sys that tell about or steer the host. */
export const FILES: readonly Attempt[] = [
  {
    what: 'open c 1 9 of a layer',
    probe: 'call openat -100 str:%layer/devices/urandom 0',
    unprotected: 'OK',
    inside: 'EACCES',
  },
  {
    what: 'open c 1 11 of a layer',
    probe: 'call openat -100 str:%layer/devices/kmsg 0',
    unprotected: 'OK',
    inside: 'EACCES',
  },
  {
    what: 'open b 7 0 of a layer',
    probe: 'call openat -100 str:%layer/devices/loop 0',
    unprotected: 'OK',
    inside: 'EACCES',
  },
  { what: 'mknod c 1 3', probe: `${CREATE} str:/tmp/null 020666 0x103`, unprotected: 'OK', inside: 'EPERM' },
  { what: 'mknod b 7 0', probe: `${CREATE} str:/tmp/loop 060666 0x700`, unprotected: 'OK', inside: 'EPERM' },
  {
    what: 'mknod c 0 0, a whiteout',
    probe: `${CREATE} str:/tmp/whiteout 020666 0`,
    unprotected: 'OK',
    inside: 'EPERM',
  },
  {
    what: 'mknod c 1 11 in /dev/shm',
    probe: `${CREATE} str:/dev/shm/probe 020666 0x10b`,
    unprotected: 'OK',
    inside: 'EPERM',
  },
  {
    what: 'write sysrq h',
    probe: 'write /proc/sysrq-trigger h',
    unprotected: 'OK',
    inside: 'EACCES',
    absent: 'ENOENT',
  },
  {
    what: 'write kernel.core_pattern',
    probe: 'rewrite /proc/sys/kernel/core_pattern',
    unprotected: 'OK',
    inside: 'EACCES',
  },
  { what: 'write kernel.pid_max', probe: 'rewrite /proc/sys/kernel/pid_max', unprotected: 'OK', inside: 'EACCES' },
  {
    what: 'write vm.overcommit_memory',
    probe: 'rewrite /proc/sys/vm/overcommit_memory',
    unprotected: 'OK',
    inside: 'EACCES',
  },
  { what: 'write fs.file-max', probe: 'rewrite /proc/sys/fs/file-max', unprotected: 'OK', inside: 'EACCES' },
  {
    what: 'write net.ipv4.ip_forward',
    probe: 'rewrite /proc/sys/net/ipv4/ip_forward',
    unprotected: 'OK',
    inside: 'EACCES',
  },
  { what: 'write a file of sysfs', probe: 'rewrite /sys/kernel/rcu_expedited', unprotected: 'OK', inside: 'ENOENT' },
  {
    what: 'write the sysfs of a processor',
    probe: 'rewrite /sys/devices/system/cpu/cpu1/online',
    unprotected: 'OK',
    inside: 'EACCES',
    absent: 'ENOENT',
  },
  {
    what: 'write release_agent',
    probe: 'rewrite /sys/fs/cgroup/memory/release_agent',
    unprotected: 'OK',
    inside: 'ENOENT',
    absent: 'ENOENT',
  },
  {
    what: 'lower its own oom_score_adj',
    probe: 'write /proc/self/oom_score_adj -500',
    unprotected: 'OK',
    inside: 'EACCES',
    needsResourceCapability: true,
  },
  {
    what: "lower the agent's oom_score_adj",
    probe: 'write /proc/1/oom_score_adj -500',
    unprotected: 'OK',
    inside: 'EACCES',
    needsResourceCapability: true,
  },
  ...['ipc', 'mnt', 'net', 'pid', 'user', 'uts', 'cgroup', 'time'].map((name) => ({
    what: `raise user.max_${name}_namespaces`,
    probe: `rewrite /proc/sys/user/max_${name}_namespaces`,
    unprotected: 'OK',
    inside: 'EACCES',
    inUserNamespace: true,
  })),
  // Covered by an empty file: opening succeeds, and there is nothing to read.
  ...[
    'kcore',
    'kmsg',
    'kallsyms',
    'keys',
    'timer_list',
    'vmallocinfo',
    'slabinfo',
    'interrupts',
    'modules',
    'cmdline',
    'diskstats',
    'partitions',
    'iomem',
    'ioports',
  ].map((name) => ({
    what: `read /proc/${name}`,
    probe: `read /proc/${name}`,
    // EAGAIN: kmsg, when all of it was read.
    unprotected: ['OK', 'EAGAIN'],
    inside: 'EOF',
    absent: 'ENOENT',
  })),
];
