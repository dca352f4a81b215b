import { readFile } from 'node:fs/promises';
import { SandboxError } from '../domain/errors.ts';
import type { SandboxId } from '../domain/ids.ts';
import { AppendFile } from '../lib/append-file.ts';
import { writeFileDurably } from '../lib/atomic-write.ts';
import { type Entry, formatLine } from './record-line.ts';
import { replayRecords } from './record-replay.ts';
import type { SandboxRecord } from './types.ts';

/**
 * The durable list of sandboxes: `state/sandboxes.jsonl`, a line for each change, the last one of an id being true.
 * What was appended is on disk when the promise resolves; many appends of one moment cost one fdatasync.
 * Opening it rewrites it without what is no longer true, so it grows only within the life of one daemon.
 */
export class RecordLog implements AsyncDisposable {
  readonly #file: AppendFile;

  private constructor(file: AppendFile) {
    this.#file = file;
  }

  /**
   * Reads what there is, oldest first. A last line that was never finished is an append that was never acknowledged, and is dropped.
   *
   * @throws RECORD_DAMAGED for any other damage: to start without a record would be to sweep away its sandbox
   */
  static async open(path: string): Promise<{ log: RecordLog; records: readonly SandboxRecord[] }> {
    const records = replayRecords(await readFile(path).catch(emptyWhenMissing), path);
    await writeFileDurably(path, records.map((record) => formatLine({ record })).join(''));
    return { log: new RecordLog(await AppendFile.open(path)), records };
  }

  put(record: SandboxRecord): Promise<void> {
    return this.#append({ record });
  }

  remove(id: SandboxId): Promise<void> {
    return this.#append({ gone: id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }

  async #append(entry: Entry): Promise<void> {
    try {
      await this.#file.append(formatLine(entry));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
      throw new SandboxError('NO_SPACE', 'Cannot record sandbox: no space under the state root', { cause: error });
    }
  }
}

function emptyWhenMissing(error: NodeJS.ErrnoException): Buffer {
  if (error.code === 'ENOENT') return Buffer.alloc(0);
  throw error;
}
