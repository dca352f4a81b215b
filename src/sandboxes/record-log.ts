import { readFile, truncate } from 'node:fs/promises';
import { SandboxError } from '../domain/errors.ts';
import type { SandboxId } from '../domain/ids.ts';
import { AppendFile } from '../lib/append-file.ts';
import { writeFileDurably } from '../lib/atomic-write.ts';
import { formatCheckedLine } from '../lib/checked-line.ts';
import { type Entry, replayRecords } from './record-replay.ts';
import type { SandboxRecord } from './types.ts';

export interface OpenedRecordLog {
  readonly log: RecordLog;
  readonly records: readonly SandboxRecord[];
}

/**
 * The durable list of sandboxes: `state/sandboxes.jsonl`, a line for each change, the last one of an id being true.
 * What was appended is on disk when the promise resolves; many appends of one moment cost one fdatasync.
 * Opening it rewrites it without what is no longer true, where there is space for that, so it grows only within the life of one daemon.
 */
export class RecordLog implements AsyncDisposable {
  readonly #file: AppendFile;

  private constructor(file: AppendFile) {
    this.#file = file;
  }

  /**
   * Reads what there is, oldest first. A last line that was never finished is an append that was never acknowledged, and is dropped.
   *
   * @param options.mayBeNew whether it is no loss when there is no file
   * @throws RECORD_DAMAGED for any other damage: to start without a record would be to sweep away its sandbox
   */
  static async open(path: string, options: { readonly mayBeNew: boolean }): Promise<OpenedRecordLog> {
    const bytes = await readFile(path).catch(undefinedWhenMissing);
    if (bytes === undefined && !options.mayBeNew)
      throw new SandboxError(
        'RECORD_DAMAGED',
        `Cannot read the records: ${path} is missing, although there are sandboxes`,
      );
    const records = bytes === undefined ? [] : replayRecords(bytes, path);
    try {
      await writeFileDurably(path, records.map((record) => formatCheckedLine({ record } satisfies Entry)).join(''));
    } catch (error) {
      // A host without space must not keep its sandboxes from their clients: the log goes on as it is.
      if (bytes === undefined || !isNoSpace(error)) throw error;
      await truncate(path, bytes.lastIndexOf('\n') + 1);
    }
    return { log: new RecordLog(await AppendFile.open(path)), records };
  }

  put(record: SandboxRecord): Promise<void> {
    return this.#write((line) => this.#file.append(line), { record });
  }

  /**
   * As `put`, for a record that may be lost with the machine's power: what it names is then gone too (processes, mounts, cgroups),
   * or swept as nobody's. It outlives the daemon, and is on disk when any later `put` is.
   */
  note(record: SandboxRecord): Promise<void> {
    return this.#write((line) => this.#file.note(line), { record });
  }

  remove(id: SandboxId): Promise<void> {
    return this.#write((line) => this.#file.append(line), { gone: id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }

  async #write(write: (line: string) => Promise<void>, entry: Entry): Promise<void> {
    try {
      await write(formatCheckedLine(entry));
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      throw new SandboxError('NO_SPACE', 'Cannot record sandbox: no space under the state root', { cause: error });
    }
  }
}

function isNoSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function undefinedWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
