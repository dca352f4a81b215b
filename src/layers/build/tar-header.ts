/** Size of a tar block; headers and contents are padded to it. */
export const BLOCK_BYTES = 512;

export type TarEntryType = 'file' | 'folder' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo' | 'other';

export interface TarEntry {
  /** Without "./" in front and "/" at the end; empty for the root. */
  readonly path: string;
  readonly type: TarEntryType;
  readonly uid: number;
  readonly gid: number;
  /** Of the content as stored: of a sparse file, the map and its pieces. */
  readonly sizeBytes: number;
  readonly linkName: string;
}

export interface TarExtensions {
  readonly pax: ReadonlyMap<string, string>;
  readonly longName: string | undefined;
  readonly longLink: string | undefined;
}

export interface TarHeader {
  readonly typeFlag: string;
  readonly sizeBytes: number;
  /** The entry with what extended headers said of it; undefined when they make no sense. */
  toEntry(extensions: TarExtensions): TarEntry | undefined;
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'folder',
  '6': 'fifo',
};

/** Whether a block is the one of zeros that ends an archive. */
export function isEndBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** Text up to the first NUL. */
export function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

/** Reads one header block (POSIX.1-2017 pax, "ustar Interchange Format", and GNU's base-256 numbers). @returns undefined when its checksum or a number is wrong */
export function parseHeader(block: Buffer): TarHeader | undefined {
  // The checksum counts its own eight bytes as spaces.
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK_BYTES; index++) if (index < 148 || index >= 156) sum += block[index] ?? 0;
  const [checksum, size, uid, gid] = [
    number(block, 148, 8),
    number(block, 124, 12),
    number(block, 108, 8),
    number(block, 116, 8),
  ];
  if (checksum !== sum || size === undefined || uid === undefined || gid === undefined) return undefined;
  const typeFlag = String.fromCharCode(block[156] ?? 0);
  const name = textOf(block.subarray(0, 100));
  // GNU archives ("ustar  ") keep times where ustar has the prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? textOf(block.subarray(345, 500)) : '';
  return {
    typeFlag,
    sizeBytes: size,
    toEntry({ pax, longName, longLink }) {
      const path =
        pax.get('GNU.sparse.name') ?? pax.get('path') ?? longName ?? (prefix === '' ? name : `${prefix}/${name}`);
      const type = TYPES[typeFlag] ?? 'other';
      const entry = {
        path: path.replace(/^(?:\.?\/)+|^\.$/, '').replace(/\/+$/, ''),
        type,
        uid: paxNumber(pax.get('uid'), uid),
        gid: paxNumber(pax.get('gid'), gid),
        // Links and devices have no content, whatever their size field says.
        sizeBytes: type === 'file' || type === 'other' ? paxNumber(pax.get('size'), size) : 0,
        linkName: pax.get('linkpath') ?? longLink ?? textOf(block.subarray(157, 257)),
      };
      return [entry.uid, entry.gid, entry.sizeBytes].every(Number.isSafeInteger) ? entry : undefined;
    },
  };
}

/** Reads the `<length> <name>=<value>\n` records of an extended header; undefined when they do not add up. */
export function parsePax(data: Buffer): Map<string, string> | undefined {
  const records = new Map<string, string>();
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(data.toString('latin1', at, space));
    const equals = data.indexOf(0x3d, space);
    const end = at + length;
    if (!Number.isSafeInteger(length) || end > data.length || equals === -1 || equals >= end || data[end - 1] !== 0x0a)
      return undefined;
    records.set(data.toString('utf8', space + 1, equals), data.toString('utf8', equals + 1, end - 1));
    at = end;
  }
  return records;
}

function paxNumber(value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  return /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
}

function number(block: Buffer, offset: number, length: number): number | undefined {
  const field = block.subarray(offset, offset + length);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, (field[0] ?? 0) & 0x7f);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = textOf(field).trim();
  if (digits === '') return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}
