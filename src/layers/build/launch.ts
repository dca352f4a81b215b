/** An account that a program runs under. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

// What programs create must not depend on the caller's umask: it would end in the layer.
const WITH_UMASK = ['sh', '-c', 'umask 022; exec "$0" "$@"'];
// Builders must not outlive a `squash` that was ended with kill -9.
const DIE_WITH_US = '--pdeathsig=TERM';

/** The command line that runs a program with the caller's own privilege. */
export function launchLine(command: readonly string[]): string[] {
  return [...WITH_UMASK, 'setpriv', DIE_WITH_US, '--no-new-privs', '--', ...command];
}

/** The command line that runs a program as another account. */
export function launchLineAs(account: Account, command: readonly string[]): string[] {
  const drop = [DIE_WITH_US, ...identity(account), '--inh-caps=-all', '--no-new-privs', '--'];
  return [...WITH_UMASK, 'setpriv', ...drop, ...command];
}

/**
 * The command line for a program that starts many others as another account, some of them through newuidmap, which is set-uid.
 * They live in a pid namespace: its first process gone, the kernel ends them all. The program's own way of dying would be to wait for them.
 */
export function treeLineAs(account: Account, command: readonly string[]): string[] {
  const namespace = ['unshare', '--pid', '--fork', '--mount-proc', '--'];
  // Twice: it goes with every change of credentials (prctl(2), PR_SET_PDEATHSIG).
  const kill = ['setpriv', '--pdeathsig=KILL'];
  return [
    ...WITH_UMASK,
    ...kill,
    '--',
    ...namespace,
    ...kill,
    ...identity(account),
    '--inh-caps=-all',
    '--',
    ...command,
  ];
}

/**
 * The command line for a program that parses foreign data: another account, no capability, no network, and user id 0 in a user
 * namespace that maps nothing else. That it sees itself as uid 0 matters to mksquashfs 4.5, which gives the root of an image to
 * whoever runs it: the number of the build user would differ from host to host.
 * CAP_SYS_ADMIN is for unshare(1) alone: hosts that refuse user namespaces to the unprivileged grant them so.
 */
export function confinedLine(account: Account, command: readonly string[]): string[] {
  const unshare = ['unshare', '--map-root-user', '--net', '--'];
  const drop = [DIE_WITH_US, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--'];
  const outer = ['setpriv', ...identity(account), '--inh-caps=-all,+sys_admin', '--ambient-caps=-all,+sys_admin', '--'];
  return [...WITH_UMASK, ...outer, ...unshare, 'setpriv', ...drop, ...command];
}

function identity(account: Account): string[] {
  return [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
}
