import type { Attempt } from '../support/attempt.ts';

/** The agent as PID 1, limits and capabilities. */
export const PROCESSES: readonly Attempt[] = [
  { what: 'PTRACE_ATTACH to the agent', probe: 'attach 1', unprotected: 'OK', inside: 'EPERM' },
  { what: 'PTRACE_SEIZE of the agent', probe: 'call ptrace 0x4206 1 0 0', unprotected: 'OK', inside: 'EPERM' },
  { what: "read the agent's memory by call", probe: 'read-memory 1', unprotected: 'EFAULT', inside: 'EPERM' },
  { what: "take a descriptor of the agent's", probe: 'call pidfd_getfd 0 0 0', unprotected: 'EBADF', inside: 'EPERM' },
  {
    what: "steer the agent's memory",
    probe: 'call process_madvise -1 0 0 0 0',
    unprotected: ['EBADF', 'EINVAL'],
    inside: 'EPERM',
  },
  ...[
    'mem',
    'exe',
    'maps',
    'auxv',
    'syscall',
    'stack',
    'environ',
    'root',
    'cwd',
    'fd',
    'fdinfo',
    'ns',
    'map_files',
  ].map((name) => ({
    what: `open /proc/1/${name} of the agent`,
    probe: `call openat -100 str:/proc/1/${name} 0`,
    unprotected: 'OK',
    inside: 'EACCES',
  })),
  {
    what: 'raise the limit of open files',
    probe: 'call prlimit64 0 7 u64:200000,200000 0',
    unprotected: 'OK',
    inside: 'EPERM',
    needsResourceCapability: true,
  },
  {
    what: 'raise the limit of locked memory',
    probe: 'call prlimit64 0 8 u64:0x40000000,0x40000000 0',
    unprotected: 'OK',
    inside: 'EPERM',
    needsResourceCapability: true,
  },
  { what: 'lower its nice value', probe: 'call setpriority 0 0 -5', unprotected: 'OK', inside: 'EACCES' },
  {
    what: 'become a real-time process',
    probe: 'call sched_setscheduler 0 1 u32:1',
    unprotected: 'OK',
    inside: 'EPERM',
  },
  // Version 3 of the header; bit 21 is CAP_SYS_ADMIN.
  {
    what: 'take CAP_SYS_ADMIN',
    probe: 'call capset u32:0x20080522,0 u32:0x200000,0x200000,0,0,0,0',
    unprotected: 'OK',
    inside: 'EPERM',
  },
];
