import type { Attempt } from '../support/attempt.ts';

const refused = { unprotected: 'OK', inside: 'EPERM' } as const;

/** Mounts and namespaces: with one of its own, root inside would own what it mounts. */
export const MOUNTS: readonly Attempt[] = [
  { what: 'mount a tmpfs', probe: 'call mount str:none str:/tmp str:tmpfs 0 0', ...refused },
  { what: 'mount a proc', probe: 'call mount str:proc str:/tmp str:proc 0 0', ...refused },
  { what: 'mount an overlay', probe: 'call mount str:none str:/tmp str:overlay 0 str:lowerdir=/bin:/etc', ...refused },
  { what: 'bind a folder', probe: 'call mount str:/etc str:/tmp 0 0x1000 0', ...refused },
  { what: 'remount /proc', probe: 'call mount 0 str:/proc 0 0x1020 0', ...refused },
  { what: 'make mounts shared', probe: 'call mount 0 str:/ 0 0x104000 0', ...refused },
  { what: 'umount /proc', probe: 'call umount2 str:/proc 2', ...refused },
  {
    what: 'umount the cover of /proc/sys',
    probe: 'call umount2 str:/proc/sys 2',
    unprotected: 'EINVAL',
    inside: 'EPERM',
  },
  { what: 'pivot_root', probe: 'call pivot_root str:/tmp str:/tmp', ...refused },
  { what: 'fsopen', probe: 'call fsopen str:tmpfs 0', ...refused },
  { what: 'open_tree of a clone', probe: 'call open_tree -100 str:/ 1', ...refused },
  { what: 'mount_setattr', probe: 'call mount_setattr -100 str:/proc 0 u64:1 32', ...refused },
  { what: 'move_mount', probe: 'call move_mount -100 str:/proc -100 str:/tmp 0', ...refused },
  // ENOSYS: built with a libseccomp that does not know it yet.
  {
    what: 'statmount',
    probe: 'call 457 0 0 0 0',
    unprotected: 'EFAULT',
    inside: ['EPERM', 'ENOSYS'],
    absent: 'ENOSYS',
  },
  { what: 'unshare -m', probe: 'call unshare 0x20000', ...refused },
  { what: 'unshare -n', probe: 'call unshare 0x40000000', ...refused },
  { what: 'unshare -U', probe: 'call unshare 0x10000000', ...refused },
  { what: 'unshare -Um', probe: 'call unshare 0x10020000', ...refused },
  { what: 'unshare -p', probe: 'call unshare 0x20000000', ...refused },
  { what: 'unshare -i', probe: 'call unshare 0x08000000', ...refused },
  { what: 'unshare -u', probe: 'call unshare 0x04000000', ...refused },
  { what: 'unshare -C', probe: 'call unshare 0x02000000', ...refused },
  { what: 'unshare -T', probe: 'call unshare 0x80', ...refused, absent: 'EINVAL' },
  { what: 'clone into a user namespace', probe: 'call clone 0x10000011 0 0 0 0', ...refused },
  { what: 'clone into a mount namespace', probe: 'call clone 0x20011 0 0 0 0', ...refused },
  // Its flags lie in memory, where a filter cannot look: libc falls back to clone.
  { what: 'clone3', probe: 'call clone3 u64:0x10000000,0,0,0,17 64', unprotected: 'OK', inside: 'ENOSYS' },
  { what: 'setns to its own', probe: 'call setns open:/proc/self/ns/net 0', ...refused },
  ...['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'].map((name) => ({
    what: `setns to the agent's ${name}`,
    probe: `call setns open:/proc/1/ns/${name} 0`,
    // EINVAL: nobody enters the user or time namespace that he is in.
    unprotected: ['OK', 'EINVAL'],
    inside: 'open: EACCES',
  })),
  { what: 'add an nft table', probe: 'nft-table', unprotected: 'OK', inside: 'EPROTONOSUPPORT' },
  { what: 'set the host name', probe: 'call sethostname str:x 1', ...refused },
];
