import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../../script/lib/test/run-command.ts';
import { makeGuestFiles } from './guest-files.ts';
import type { GuestKernel } from './guest-kernel.ts';

export interface VirtualMachineOptions {
  readonly kernel: GuestKernel;
  readonly timeoutMs: number;
}

export interface VirtualMachineRun {
  /** What the command printed on stdout. */
  readonly answer: string;
  /** What it and the kernel said beside that, for people. */
  readonly console: string;
}

const QEMU = '/usr/bin/qemu-system-x86_64';
// QEMU's own, of Debian 12, and the one that came after it.
const VIRTIOFSDS = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd'];
const MEMORY = '3G';

/**
 * A kernel as distributions build it needs virtualization in hardware. A host that is a virtual machine itself may have /dev/kvm
 * without that, for kernels that were made for it.
 */
function hasHardwareVirtualization(): boolean {
  return existsSync('/dev/kvm') && /^flags\s*:.* (vmx|svm)( |$)/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

// Emulation is some ten times slower, and right enough without these two: QEMU 7.2's cmpxchg16b loses flags, and la57 costs time.
const PROCESSOR = hasHardwareVirtualization()
  ? ['-accel', 'kvm', '-cpu', 'host']
  : ['-accel', 'tcg,thread=multi', '-cpu', 'max,cx16=off,la57=off'];

/** What this host lacks to run a virtual machine; undefined when nothing is missing. */
export function missingForVirtualMachine(): string | undefined {
  if (process.arch !== 'x64') return 'virtual machines are described for x86_64 only';
  if (!existsSync(QEMU)) return 'no qemu-system-x86_64';
  return VIRTIOFSDS.some(existsSync) ? undefined : 'no virtiofsd';
}

/**
 * Runs a shell command in a virtual machine with cgroup v2 alone and no network, as root and in this checkout: the host's files,
 * with changes that nobody else sees and that end with it, and an empty `/tmp` and `/run`.
 *
 * @throws when the machine does not end by itself in time
 */
export async function runInVirtualMachine(command: string, options: VirtualMachineOptions): Promise<VirtualMachineRun> {
  const work = mkdtempSync(join(tmpdir(), 'vm-'));
  const file = (name: string): string => join(work, name);
  try {
    mkdirSync(file('share'));
    const { initramfs, disk } = makeGuestFiles(work, { kernel: options.kernel, command });
    const machine = [
      ...[QEMU, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-nic', 'none', ...PROCESSOR],
      ...['-machine', 'q35,memory-backend=memory', '-smp', '2', '-m', MEMORY],
      // virtiofsd answers into the machine's memory.
      ...['-object', `memory-backend-memfd,id=memory,size=${MEMORY},share=on`],
      ...['-kernel', join(options.kernel, 'vmlinuz'), '-initrd', initramfs, '-append', 'console=hvc0 panic=-1'],
      ...['-chardev', `socket,id=share,path=${file('share.sock')}`],
      ...['-device', 'vhost-user-fs-pci,chardev=share,tag=host'],
      ...['-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`, '-device', 'virtio-serial-pci'],
      ...['-chardev', `file,id=console,path=${file('console')}`, '-device', 'virtconsole,chardev=console,nr=0'],
      ...['-chardev', `file,id=answer,path=${file('answer')}`, '-device', 'virtserialport,chardev=answer,nr=1'],
    ];
    // The processes end with the one that unshare waits for.
    const namespaces = ['unshare', '--mount', '--pid', '--mount-proc', '--fork', '--kill-child'];
    const start = ['sh', join(import.meta.dirname, 'start.sh'), file('share'), file('share.sock')];
    const virtiofsd = VIRTIOFSDS.find(existsSync) ?? '';
    let said = '';
    const problem = await runCommand([...namespaces, ...start, virtiofsd, ...machine], {
      timeoutMs: options.timeoutMs,
      onOutput: (text) => {
        said += text;
      },
    });
    const read = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');
    if (problem !== undefined)
      throw new Error(`The virtual machine ${problem}: ${said}${read('console').slice(-4000)}`);
    return { answer: read('answer'), console: read('console') };
  } finally {
    rmSync(work, { recursive: true });
  }
}
