import type { Attempt } from '../support/attempt.ts';

/** Calls that load, trace or configure the kernel. Where success would harm the host, a harmless form gets the kernel's own error. */
export const KERNEL: readonly Attempt[] = [
  // ENOSYS: a kernel without modules or kexec; the filter answers EPERM before that is known.
  {
    what: 'init_module of an empty buffer',
    probe: 'call init_module u32:0 0 str:',
    unprotected: ['ENOEXEC', 'ENOSYS'],
    inside: 'EPERM',
  },
  {
    what: 'finit_module of no file',
    probe: 'call finit_module -1 str: 0',
    unprotected: ['EBADF', 'ENOSYS'],
    inside: 'EPERM',
  },
  {
    what: 'delete_module of none',
    probe: 'call delete_module str:no-such-module 0',
    unprotected: ['ENOENT', 'ENOSYS'],
    inside: 'EPERM',
  },
  {
    what: 'kexec_load of no segments',
    probe: 'call kexec_load 0 0 0 0',
    unprotected: ['OK', 'ENOSYS'],
    inside: 'EPERM',
  },
  {
    what: 'kexec_file_load of no file',
    probe: 'call kexec_file_load -1 -1 0 0 0',
    unprotected: ['EBADF', 'ENOSYS'],
    inside: 'EPERM',
  },
  { what: 'reboot with a wrong word', probe: 'call reboot 0 0 0 0', unprotected: 'EINVAL', inside: 'EPERM' },
  { what: 'bpf: make a map', probe: 'call bpf 0 u32:2,4,4,1 72', unprotected: 'OK', inside: 'EPERM' },
  { what: 'keyctl', probe: 'call keyctl 0 -3 0', unprotected: 'OK', inside: 'EPERM' },
  { what: 'add_key', probe: 'call add_key str:user str:probe str:x 1 -2', unprotected: 'OK', inside: 'EPERM' },
  {
    what: 'request_key',
    probe: 'call request_key str:user str:no-such-key 0 0',
    unprotected: 'ENOKEY',
    inside: 'EPERM',
  },
  { what: 'io_uring_setup', probe: 'call io_uring_setup 1 u32:0', unprotected: 'OK', inside: 'EPERM' },
  { what: 'perf_event_open', probe: 'call perf_event_open u32:1,64 0 -1 -1 0', unprotected: 'OK', inside: 'EPERM' },
  { what: 'userfaultfd', probe: 'call userfaultfd 0', unprotected: 'OK', inside: 'EPERM' },
  { what: 'userfaultfd, user mode only', probe: 'call userfaultfd 1', unprotected: 'OK', inside: 'EPERM' },
  { what: 'fanotify_init', probe: 'call fanotify_init 0 0', unprotected: 'OK', inside: 'EPERM' },
  { what: 'open_by_handle_at', probe: 'handle /tmp .', unprotected: 'OK', inside: 'EPERM' },
  { what: 'acct', probe: 'call acct 0', unprotected: ['OK', 'ENOSYS'], inside: 'EPERM' },
  { what: 'swapon of no file', probe: 'call swapon str:/no/such/file 0', unprotected: 'ENOENT', inside: 'EPERM' },
  { what: 'syslog', probe: 'call syslog 10 0 0', unprotected: 'OK', inside: 'EPERM' },
  { what: 'settimeofday of nothing', probe: 'call settimeofday 0 0', unprotected: 'OK', inside: 'EPERM' },
  {
    what: 'clock_settime of a clock that cannot be set',
    probe: 'call clock_settime 1 u64:0,0',
    unprotected: 'EINVAL',
    inside: 'EPERM',
  },
  { what: 'adjtimex, reading', probe: 'call adjtimex u32:0', unprotected: 'OK', inside: 'EPERM' },
  {
    what: 'quotactl of no device',
    probe: 'call quotactl 0x80000100 str:/no/such/device 0 0',
    unprotected: ['ENOENT', 'ENOSYS'],
    inside: 'EPERM',
  },
  { what: 'modify_ldt', probe: 'call modify_ldt 0 u32:0 16', unprotected: 'OK', inside: 'ENOSYS', absent: 'ENOSYS' },
  { what: 'a call of the i386 table', probe: 'i386', unprotected: 'OK', inside: 'ENOSYS', absent: 'ENOSYS' },
  { what: 'a call of the x32 table', probe: 'call 0x40000027', unprotected: 'OK', inside: 'ENOSYS', absent: 'ENOSYS' },
];

/** Families and types of sockets: SOCK_STREAM 1, SOCK_RAW 3, SOCK_SEQPACKET 5. */
export const SOCKETS: readonly Attempt[] = [
  { what: 'a raw IPv4 socket', probe: 'call socket 2 3 1', unprotected: 'OK', inside: 'EPERM' },
  { what: 'a raw IPv6 socket', probe: 'call socket 10 3 58', unprotected: 'OK', inside: 'EPERM' },
  ...(
    [
      ['AF_KEY', 15, 3, 2],
      ['AF_PACKET', 17, 3, 0],
      ['AF_CAN', 29, 3, 1],
      ['AF_TIPC', 30, 5, 0],
      ['AF_BLUETOOTH', 31, 3, 1],
      ['AF_ALG', 38, 5, 0],
      ['AF_VSOCK', 40, 1, 0],
      ['AF_XDP', 44, 3, 0],
    ] as const
  ).map(([name, family, type, protocol]) => ({
    what: `a socket of ${name}`,
    probe: `call socket ${family} ${type} ${protocol}`,
    unprotected: 'OK',
    inside: 'EAFNOSUPPORT',
    absent: 'EAFNOSUPPORT',
  })),
  ...(
    [
      ['of IPsec', 6],
      ['of process events', 11],
      ['of packet filters', 12],
      ["of the host's device events", 15],
    ] as const
  ).map(([what, protocol]) => ({
    what: `a netlink socket ${what}`,
    probe: `call socket 16 3 ${protocol}`,
    unprotected: 'OK',
    inside: 'EPROTONOSUPPORT',
    absent: 'EPROTONOSUPPORT',
  })),
];
