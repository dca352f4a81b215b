import { closeSync, open, renameSync, rmSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface LogBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

const FILE = /^([0-9]{4,15})\.json$/;

const SPARE = 'spare.new';

// What lies in one page of the page cache is written whole or not at all, also by a process that is killed in the middle.
const PAGE_BYTES = 4096;

/**
 * Numbered files `NNNN.json` within bounds, the oldest going first; each is there whole, as it was or as it is.
 * On the way of every command, which waits for two writes and a rename only: they are synchronous (6 µs, less than the way to a thread
 * and back). What takes longer on ext4, making a file (200 µs) and removing one (600 µs), is done in between: a spare file is kept open.
 */
export class LogFolder {
  readonly #dir: string;
  readonly #bounds: LogBounds;
  /** Bytes of each file, oldest first. */
  readonly #sizes = new Map<number, number>();
  #bytes = 0;
  #lastModified: Date | undefined;
  /** Descriptor of an empty file that the next command takes. */
  #spare: number | undefined;
  /** Descriptors of files that will be written once more. */
  readonly #open = new Map<number, number>();
  #finished: number[] = [];
  #evicted: number[] = [];
  #tidying: Promise<void> | undefined;
  #trouble: unknown;
  #closed = false;

  private constructor(dir: string, bounds: LogBounds) {
    this.#dir = dir;
    this.#bounds = bounds;
  }

  /** Makes the folder when it is missing, and takes over what an earlier daemon left. */
  static async open(dir: string, bounds: LogBounds): Promise<LogFolder> {
    const folder = new LogFolder(dir, bounds);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await folder.#takeOver();
    folder.#tidyLater();
    return folder;
  }

  /** Ascending. */
  get seqs(): readonly number[] {
    return [...this.#sizes.keys()].toSorted((a, b) => a - b);
  }

  /** When an earlier daemon last wrote here. */
  get lastModified(): Date | undefined {
    return this.#lastModified;
  }

  has(seq: number): boolean {
    return this.#sizes.has(seq);
  }

  /** Writes or replaces a file; on failure the old one stands. */
  save(seq: number, content: unknown): void {
    if (this.#closed) return;
    this.#tellTrouble();
    const old = this.#sizes.get(seq) ?? 0;
    // Blanks after a JSON text are nothing: so a shorter one covers a longer one.
    const bytes = Buffer.from(JSON.stringify(content).padEnd(old));
    if (old > 0 && bytes.length <= PAGE_BYTES) this.#cover(seq, bytes);
    else this.#put(seq, bytes);
    this.#keep(seq, bytes.length);
    // Not while the command that just began is waited for.
    if (old > 0) this.#tidyLater();
  }

  remove(seq: number): void {
    if (!this.#forget(seq) || this.#closed) return;
    unlinkSync(this.#path(seq));
    this.#tidyLater();
  }

  /** Undefined when it has gone meanwhile. */
  async read(seq: number): Promise<string | undefined> {
    try {
      return await readFile(this.#path(seq), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Writes and removes nothing any more: the folder is about to go as a whole. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tidying;
    for (const seq of [...this.#open.keys()]) this.#finish(seq);
    for (const fd of this.#finished.splice(0)) closeSync(fd);
    if (this.#spare !== undefined) closeSync(this.#spare);
    this.#spare = undefined;
  }

  /** In place: the bytes are within one page. */
  #cover(seq: number, bytes: Buffer): void {
    const fd = this.#open.get(seq);
    if (fd === undefined) writeFileSync(this.#path(seq), bytes, { flag: 'r+' });
    else writeWhole(fd, bytes);
    this.#finish(seq);
  }

  /** Under its name at once, and whole. */
  #put(seq: number, bytes: Buffer): void {
    const fd = this.#spare;
    this.#spare = undefined;
    const beside = fd === undefined ? `${this.#path(seq)}.new` : join(this.#dir, SPARE);
    this.#finish(seq);
    this.#evicted = this.#evicted.filter((each) => each !== seq);
    try {
      if (fd === undefined) writeFileSync(beside, bytes, { mode: 0o600 });
      else writeWhole(fd, bytes);
      renameSync(beside, this.#path(seq));
      if (fd !== undefined) this.#open.set(seq, fd);
    } catch (error) {
      if (fd !== undefined) this.#finished.push(fd);
      rmSync(beside, { force: true });
      this.#tidyLater();
      throw error;
    }
  }

  /** Its descriptor is not needed any more. */
  #finish(seq: number): void {
    const fd = this.#open.get(seq);
    if (fd !== undefined) this.#finished.push(fd);
    this.#open.delete(seq);
  }

  /** Does what nobody waits for once the answer is on its way. */
  #tidyLater(): void {
    if (this.#closed) return;
    this.#tidying ??= setImmediate()
      .then(() => this.#tidy())
      .catch((error: unknown) => {
        this.#trouble = error;
      })
      .finally(() => {
        this.#tidying = undefined;
      });
  }

  async #tidy(): Promise<void> {
    for (const fd of this.#finished.splice(0)) closeSync(fd);
    // When it cannot be made, the next command makes its file itself, and says what is wrong.
    if (!this.#closed) this.#spare ??= await openFile(join(this.#dir, SPARE), 'w', 0o600).catch(() => undefined);
    for (let seq = this.#evicted.shift(); seq !== undefined; seq = this.#evicted.shift()) await unlink(this.#path(seq));
  }

  /** What went wrong where nobody was waiting. */
  #tellTrouble(): void {
    const trouble = this.#trouble;
    this.#trouble = undefined;
    if (trouble !== undefined) throw trouble;
  }

  async #takeOver(): Promise<void> {
    const files = await readdir(this.#dir);
    // What is not a finished file is one that an earlier daemon was writing.
    for (const file of files.filter((each) => !FILE.test(each)))
      await rm(join(this.#dir, file), { recursive: true, force: true });
    const seqs = files.filter((each) => FILE.test(each)).map((each) => Number.parseInt(each, 10));
    for (const seq of seqs.toSorted((a, b) => a - b)) {
      const { size, mtime } = await stat(this.#path(seq));
      if (this.#lastModified === undefined || mtime > this.#lastModified) this.#lastModified = mtime;
      this.#keep(seq, size);
    }
  }

  #keep(seq: number, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(seq) ?? 0);
    this.#sizes.set(seq, bytes);
    for (const oldest of this.#sizes.keys()) {
      if (this.#sizes.size <= this.#bounds.maxEntries && this.#bytes <= this.#bounds.maxBytes) break;
      this.#forget(oldest);
      this.#evicted.push(oldest);
    }
  }

  /** Returns whether it was there. */
  #forget(seq: number): boolean {
    this.#bytes -= this.#sizes.get(seq) ?? 0;
    this.#finish(seq);
    return this.#sizes.delete(seq);
  }

  #path(seq: number): string {
    return join(this.#dir, `${String(seq).padStart(4, '0')}.json`);
  }
}

const openFile = promisify(open);

/** Kernel: a write to a file is cut short only when there is no room for the rest. */
function writeWhole(fd: number, bytes: Buffer): void {
  const written = writeSync(fd, bytes, 0, bytes.length, 0);
  if (written < bytes.length) writeSync(fd, bytes, written, bytes.length - written, written);
}
