/** One member of a tar, as hostile as the test wants it. */
export interface TarMember {
  readonly name: string | Buffer;
  /** '0' file, '1' hard link, '2' symlink, '3' character device, '5' folder, '6' FIFO, 'x' PAX, 'L' and 'K' GNU. */
  readonly type?: string;
  readonly link?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** Claimed instead of the length of the content. */
  readonly size?: number;
  readonly prefix?: string;
  readonly device?: readonly [number, number];
}

const BLOCK = 512;

/** A tar of these members with its end mark. */
export function tarOf(...members: TarMember[]): Buffer {
  return Buffer.concat([...members.map(memberBytes), Buffer.alloc(2 * BLOCK)]);
}

/** A PAX header for the member behind it. */
export function pax(records: Readonly<Record<string, string>>): TarMember {
  const content = Object.entries(records).map(([key, value]) => {
    const bare = Buffer.byteLength(` ${key}=${value}\n`);
    let length = bare + 1;
    while (String(length).length + bare !== length) length = String(length).length + bare;
    return `${length} ${key}=${value}\n`;
  });
  return { name: 'pax', type: 'x', content: content.join('') };
}

function memberBytes(member: TarMember): Buffer {
  const { type = '0', link = '', mode = 0o644, uid = 0, gid = 0, mtime = 0, prefix = '', device = [0, 0] } = member;
  const content = Buffer.from(member.content ?? '');
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  };
  Buffer.from(member.name).copy(header, 0, 0, 100);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(member.size ?? content.length, 124, 12);
  octal(mtime, 136, 12);
  header.write(type, 156, 'latin1');
  header.write(link, 157, 100, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  octal(device[0], 329, 8);
  octal(device[1], 337, 8);
  header.write(prefix, 345, 155, 'utf8');
  header.fill(' ', 148, 156);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}
