import type { MiniFiles } from './mini-files.ts';

const BLOCK = 512;

/** A ustar archive of a folder. */
export function packTar(files: MiniFiles, folder: string): Buffer {
  const members = files.below(folder).map(({ path, file }) => {
    const content = file?.content ?? Buffer.alloc(0);
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return Buffer.concat([
      header(path, file?.mode ?? 0o755, { size: content.length, folder: file === undefined }),
      content,
      padding,
    ]);
  });
  return Buffer.concat([...members, Buffer.alloc(2 * BLOCK)]);
}

/** Puts the files and folders of a ustar archive below a folder. */
export function unpackTar(files: MiniFiles, folder: string, tar: Buffer): void {
  files.makeFolder(folder);
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const head = tar.subarray(at, at + BLOCK);
    const path = `${folder}/${text(head, 0, 100)}`;
    const size = Number.parseInt(text(head, 124, 12), 8);
    if (text(head, 156, 1) === '5') files.makeFolder(path);
    else
      files.write(path, {
        content: Buffer.from(tar.subarray(at + BLOCK, at + BLOCK + size)),
        mode: Number.parseInt(text(head, 100, 8), 8),
      });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function header(path: string, mode: number, options: { size: number; folder: boolean }): Buffer {
  const head = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  head.write(options.folder ? `${path}/` : path, 0, 100);
  head.write(octal(mode, 8), 100);
  head.write(octal(0, 8), 108);
  head.write(octal(0, 8), 116);
  head.write(octal(options.size, 12), 124);
  head.write(octal(0, 12), 136);
  head.write(options.folder ? '5' : '0', 156);
  head.write('ustar\x0000', 257);
  // The checksum counts itself as blanks (POSIX pax, ustar interchange format).
  head.write('        ', 148);
  head.write(
    `${octal(
      head.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  return head;
}

function text(head: Buffer, offset: number, length: number): string {
  return head.toString('latin1', offset, offset + length).replace(/[\0 ].*$/s, '');
}
