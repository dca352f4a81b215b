import { LAYER_TIME_SECONDS } from './layer-time.ts';

export interface TreeTarOptions {
  /** Every file belongs to root, whoever owns it in the tree. */
  readonly rootOwned: boolean;
}

/**
 * The GNU tar command that reads a folder in an order of its own, so that the same tree gives the same image, whatever the order in
 * which its files were made; the packer gives them all one time. What a layer keeps: type, content, mode, numeric owner, links, devices,
 * `user.*` attributes (overlayfs's own marks among them) and file capabilities. File systems mounted below the folder stay out.
 * Holes go through the pipe as zeros, of which mksquashfs makes holes again: it misreads the sparse files of tar (4.5.1).
 */
export function treeTarLine(folder: string, options: TreeTarOptions): string[] {
  return [
    ...['tar', '--create', '--file=-', '--format=posix', '--sort=name', '--numeric-owner', '--one-file-system'],
    // Any one time will do, as the packer sets its own; but it fails on those before 1970 and after 2106.
    `--mtime=@${LAYER_TIME_SECONDS}`,
    // security.selinux and trusted.* belong to this host, not to the tree.
    ...['--xattrs', '--xattrs-include=user.*', '--xattrs-include=security.capability'],
    ...(options.rootOwned ? ['--owner=0', '--group=0'] : []),
    // Names without "./", in paths (r) and targets of hard links (h), not in symbolic links.
    '--transform=flags=rh;s,^\\./,,',
    ...['--directory', folder, '.'],
  ];
}
