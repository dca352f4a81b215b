import { Transform, type TransformCallback } from 'node:stream';
import { SandboxError } from '../../domain/errors.ts';
import { BLOCK_BYTES, isEndBlock, parseHeader, parsePax, type TarEntry, textOf } from './tar-header.ts';

// A path is at most PATH_MAX (4096) and an xattr at most 64 KiB: whoever needs more than this is not telling the truth.
const MAX_EXTENSION_BYTES = 1024 * 1024;

export interface TarWatcher {
  /** Called for each entry, in order. @returns how many bytes of its content `content` wants; 0 for none. */
  entry(entry: TarEntry): number;
  content(entry: TarEntry, data: Buffer): void;
}

type Body =
  | { readonly kind: 'extension'; readonly type: string; readonly chunks: Buffer[] }
  | { readonly kind: 'entry'; readonly entry: TarEntry; wantedBytes: number; readonly chunks: Buffer[] };

/**
 * Passes a tar through unchanged and tells a watcher what is in it, so that a layer is described by the very bytes it is packed from.
 * Reads ustar, pax and GNU archives. Fails when the archive ends early or a header does not add up; what follows its end is dropped.
 */
export class TarScan extends Transform {
  readonly #watcher: TarWatcher;
  #header = Buffer.alloc(0);
  #body: Body | undefined;
  #bodyLeft = 0;
  #paddingLeft = 0;
  #pax = new Map<string, string>();
  #longName: string | undefined;
  #longLink: string | undefined;
  #ended = false;

  /** Whether the end of the archive was seen. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  constructor(watcher: TarWatcher) {
    super();
    this.#watcher = watcher;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    try {
      const wasEnded = this.#ended;
      this.#consume(chunk);
      callback(null, wasEnded ? undefined : chunk);
    } catch (error) {
      callback(error as Error);
    }
  }

  override _flush(callback: TransformCallback): void {
    callback(this.#ended ? null : unreadable('it ends early'));
  }

  #consume(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#ended) {
      if (this.#bodyLeft > 0) rest = this.#takeBody(rest);
      else if (this.#paddingLeft > 0) rest = this.#skipPadding(rest);
      else rest = this.#takeHeader(rest);
    }
  }

  #takeHeader(rest: Buffer): Buffer {
    const missing = BLOCK_BYTES - this.#header.length;
    this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
    if (this.#header.length === BLOCK_BYTES) {
      const block = this.#header;
      this.#header = Buffer.alloc(0);
      if (isEndBlock(block)) this.#ended = true;
      else this.#open(block);
    }
    return rest.subarray(missing);
  }

  #open(block: Buffer): void {
    const header = parseHeader(block);
    if (header === undefined) throw unreadable('a header has a wrong checksum');
    if ('xgLK'.includes(header.typeFlag)) {
      if (header.sizeBytes > MAX_EXTENSION_BYTES) throw unreadable('an extended header is too large');
      this.#start({ kind: 'extension', type: header.typeFlag, chunks: [] }, header.sizeBytes);
      return;
    }
    const entry = header.toEntry({ pax: this.#pax, longName: this.#longName, longLink: this.#longLink });
    if (entry === undefined) throw unreadable('a pax record is not a number');
    this.#pax = new Map();
    this.#longName = undefined;
    this.#longLink = undefined;
    const wantedBytes = Math.min(this.#watcher.entry(entry), entry.sizeBytes);
    this.#start({ kind: 'entry', entry, wantedBytes, chunks: [] }, entry.sizeBytes);
  }

  #start(body: Body, sizeBytes: number): void {
    this.#body = body;
    this.#bodyLeft = sizeBytes;
    this.#paddingLeft = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    if (sizeBytes === 0) this.#close();
  }

  #takeBody(rest: Buffer): Buffer {
    const part = rest.subarray(0, this.#bodyLeft);
    this.#bodyLeft -= part.length;
    const body = this.#body;
    if (body?.kind === 'extension') body.chunks.push(Buffer.from(part));
    else if (body !== undefined && body.wantedBytes > 0) {
      const wanted = part.subarray(0, body.wantedBytes);
      body.wantedBytes -= wanted.length;
      body.chunks.push(Buffer.from(wanted));
    }
    if (this.#bodyLeft === 0) this.#close();
    return rest.subarray(part.length);
  }

  #skipPadding(rest: Buffer): Buffer {
    const skipped = Math.min(this.#paddingLeft, rest.length);
    this.#paddingLeft -= skipped;
    return rest.subarray(skipped);
  }

  #close(): void {
    const body = this.#body;
    this.#body = undefined;
    if (body === undefined) return;
    const data = Buffer.concat(body.chunks);
    if (body.kind === 'entry') {
      if (data.length > 0) this.#watcher.content(body.entry, data);
    } else if (body.type === 'L') this.#longName = textOf(data);
    else if (body.type === 'K') this.#longLink = textOf(data);
    else if (body.type === 'x') {
      const records = parsePax(data);
      if (records === undefined) throw unreadable('an extended header is malformed');
      this.#pax = records;
    }
  }
}

function unreadable(state: string): SandboxError {
  return new SandboxError('LAYER_BUILD_FAILED', `Cannot read the tar of a layer: ${state}`);
}
