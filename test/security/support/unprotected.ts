import { readFileSync } from 'node:fs';
import { run } from '../../support/run.ts';

/**
 * Host root with all its capabilities, no filter and no mask, in namespaces of its own, so that what succeeds ends with the process:
 * `/tmp` and `/dev/shm` are empty file systems, `/mnt` the image of a layer, and PID 1 a shell.
 */
const SCRIPT = `
image=$1; shift
mount -t tmpfs unprotected /opt && cp "$0" /opt/probe
[ -z "$image" ] || mount -t squashfs -o loop,ro "$image" /mnt
mount --move /opt /tmp
mount -t tmpfs unprotected /dev/shm
ip link set lo up
/tmp/probe "$@"
exit $?`;

const NAMESPACES = ['mount', 'pid', 'net', 'ipc', 'uts', 'cgroup'].map((name) => `--${name}`);

export interface UnprotectedOptions {
  readonly image?: string;
  readonly inUserNamespace?: boolean;
}

/** What the kernel answers to the probe when nothing protects it. */
export function answerUnprotected(probe: string, words: readonly string[], options: UnprotectedOptions = {}): string {
  const line = ['sh', '-euc', SCRIPT, probe, options.image ?? '', ...words];
  const user = options.inUserNamespace ? ['--map-root-user'] : [];
  const unshare = ['unshare', ...user, ...NAMESPACES, '--fork', '--kill-child=SIGKILL', '--mount-proc', ...line];
  const { status, stdout, stderr } = run(unshare);
  if (status !== 0) throw new Error(`Cannot run the probe unprotected: ${stderr}`);
  return stdout.trim();
}

/** Whether root of this host may raise limits: bit 24 of its effective capabilities (capabilities(7)). */
export function hasResourceCapability(): boolean {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) >> 24n) % 2n === 1n;
}
