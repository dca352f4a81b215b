import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../project-files.ts';
import { run } from '../run.ts';
import type { GuestKernel } from './guest-kernel.ts';

export interface GuestFiles {
  readonly initramfs: string;
  readonly disk: string;
}

const DISK_BYTES = 8 * 1024 ** 3;

function must(argv: readonly string[], cwd: string): void {
  const { status, stderr } = run(argv, { cwd });
  if (status !== 0) throw new Error(`Cannot run ${argv.join(' ')}: ${stderr}`);
}

/** Makes what a virtual machine starts from, in a folder: its first root, with `command` for guest-init.sh to run, and an empty disk. */
export function makeGuestFiles(folder: string, guest: { kernel: GuestKernel; command: string }): GuestFiles {
  const tree = join(folder, 'initramfs-tree');
  for (const name of ['bin', 'dev']) mkdirSync(join(tree, name), { recursive: true });
  copyFileSync('/bin/busybox', join(tree, 'bin/busybox'));
  copyFileSync(join(import.meta.dirname, 'guest-init.sh'), join(tree, 'init'));
  cpSync(join(guest.kernel, 'modules'), join(tree, 'modules'), { recursive: true });
  writeFileSync(join(tree, 'checkout'), PROJECT_ROOT);
  writeFileSync(join(tree, 'command'), guest.command);
  const initramfs = join(folder, 'initramfs');
  must(['sh', '-euc', 'chmod 755 init; busybox find . | busybox cpio -o -H newc >"$1"', 'sh', initramfs], tree);
  rmSync(tree, { recursive: true });
  const disk = join(folder, 'disk');
  must(['truncate', '--size', String(DISK_BYTES), disk], folder);
  must(['mkfs.ext4', '-q', disk], folder);
  return { initramfs, disk };
}
