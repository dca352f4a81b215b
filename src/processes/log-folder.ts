import { mkdirSync, readdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface LogBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

const FILE = /^([0-9]{4,15})\.json$/;

/**
 * Numbered files `NNNN.json` within bounds, the oldest going first; each is there whole, as it was or as it is.
 * Synchronous on purpose: a small write to the page cache takes 20 µs, less than the way to a thread and back.
 */
export class LogFolder {
  readonly #dir: string;
  readonly #bounds: LogBounds;
  /** Bytes of each file, oldest first. */
  readonly #sizes = new Map<number, number>();
  #bytes = 0;
  #lastModified: Date | undefined;
  #closed = false;

  /** Makes the folder when it is missing, and takes over what an earlier daemon left. */
  constructor(dir: string, bounds: LogBounds) {
    this.#dir = dir;
    this.#bounds = bounds;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const files = readdirSync(dir);
    // What is not a finished file is one that an earlier daemon was writing.
    for (const file of files.filter((each) => !FILE.test(each))) rmSync(join(dir, file), { recursive: true });
    const seqs = files.filter((each) => FILE.test(each)).map((each) => Number.parseInt(each, 10));
    for (const seq of seqs.toSorted((a, b) => a - b)) this.#takeOver(seq);
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
    const bytes = Buffer.from(JSON.stringify(content));
    const path = this.#path(seq);
    const beside = `${path}.new`;
    try {
      writeFileSync(beside, bytes, { mode: 0o600 });
      renameSync(beside, path);
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
    this.#keep(seq, bytes.length);
  }

  remove(seq: number): void {
    if (!this.#sizes.has(seq)) return;
    this.#bytes -= this.#sizes.get(seq) ?? 0;
    this.#sizes.delete(seq);
    if (!this.#closed) unlinkSync(this.#path(seq));
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
  close(): void {
    this.#closed = true;
  }

  #takeOver(seq: number): void {
    const { size, mtime } = statSync(this.#path(seq));
    if (this.#lastModified === undefined || mtime > this.#lastModified) this.#lastModified = mtime;
    this.#keep(seq, size);
  }

  #keep(seq: number, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(seq) ?? 0);
    this.#sizes.set(seq, bytes);
    for (const oldest of this.#sizes.keys()) {
      if (this.#sizes.size <= this.#bounds.maxEntries && this.#bytes <= this.#bounds.maxBytes) break;
      this.remove(oldest);
    }
  }

  #path(seq: number): string {
    return join(this.#dir, `${String(seq).padStart(4, '0')}.json`);
  }
}
