import type { Log } from '../lib/log.ts';
import type { ExecCall, ExecResult } from '../sandboxes/types.ts';
import { type LogBounds, LogFolder } from './log-folder.ts';

export interface ExecLogOptions extends LogBounds {
  readonly log: Log;
}

/** The place of a command in the log while it runs. */
export interface LogEntry {
  readonly seq: number;
  readonly started: Date;
  /** Puts the result in the place of the note that the command began. Never throws: a command that ran has its answer. */
  finish(result: ExecResult): void;
  /** For a command that never began: takes its number back, unless a later command has the next one already. */
  abandon(reason: string): void;
}

/**
 * What ran in a sandbox: a file a command, numbered without gaps across restarts, the oldest going first.
 * A note is written before the command begins, so that a daemon that dies leaves `interrupted` under its number.
 * On a full disk the log has holes, and the sandbox goes on.
 */
export class ExecLog {
  readonly #folder: LogFolder;
  readonly #log: Log;
  readonly #running = new Set<number>();
  #lastSeq: number;
  #lastActive: Date | undefined;

  private constructor(folder: LogFolder, log: Log) {
    this.#folder = folder;
    this.#log = log;
    this.#lastSeq = folder.seqs.at(-1) ?? 0;
    this.#lastActive = folder.lastModified;
  }

  /** @param dir `log/` of the sandbox's folder; made when missing */
  static async open(dir: string, options: ExecLogOptions): Promise<ExecLog> {
    return new ExecLog(await LogFolder.open(dir, options), options.log);
  }

  /** Number of the last command: how many there were. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** When a command last began or ended. */
  get lastActive(): Date | undefined {
    return this.#lastActive;
  }

  /** @throws when the note cannot be written for another reason than a full disk: what leaves no trace does not run */
  begin(call: ExecCall): LogEntry {
    const started = new Date();
    const seq = this.#lastSeq + 1;
    const note = noteOf(seq, call, started);
    this.#save(note);
    this.#lastSeq = seq;
    this.#lastActive = started;
    this.#running.add(seq);
    return {
      seq,
      started,
      finish: (result) => this.#finish(result),
      abandon: (reason) => this.#abandon(note, reason),
    };
  }

  /**
   * Runs a command under one number, however often its start is tried again; one that never began gives its number back.
   *
   * @throws what the work throws
   */
  async during<T>(call: ExecCall, work: (begin: () => LogEntry) => Promise<T>): Promise<T> {
    let entry: LogEntry | undefined;
    const begin = (): LogEntry => {
      entry ??= this.begin(call);
      return entry;
    };
    try {
      return await work(begin);
    } catch (error) {
      entry?.abandon(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** The results that are kept, ascending `seq`; commands that still run are not among them. */
  async results(): Promise<ExecResult[]> {
    const results: ExecResult[] = [];
    for (const seq of this.#folder.seqs) {
      if (this.#running.has(seq)) continue;
      const text = await this.#folder.read(seq);
      if (text !== undefined) results.push(parseResult(text, seq));
    }
    return results;
  }

  /** Nothing is written any more: the folder is about to go. */
  close(): Promise<void> {
    return this.#folder.close();
  }

  #finish(result: ExecResult): void {
    this.#running.delete(result.seq);
    this.#lastActive = new Date();
    try {
      // A note that went meanwhile, when very many commands began, does not come back as a result.
      if (this.#folder.has(result.seq) || result.seq === this.#lastSeq) this.#save(result);
    } catch (error) {
      this.#log.error({ err: error, seq: result.seq }, 'Cannot keep exec result');
    }
  }

  #abandon(note: ExecResult, reason: string): void {
    if (note.seq === this.#lastSeq) {
      this.#running.delete(note.seq);
      this.#lastSeq--;
      this.#folder.remove(note.seq);
    } else {
      const { interrupted: _, ...result } = note;
      // 126 is what a shell says of a command that cannot be run.
      this.#finish({ ...result, exit_code: 126, stderr: `${reason}\n` });
    }
  }

  #save(result: ExecResult): void {
    try {
      this.#folder.save(result.seq, result);
    } catch (error) {
      if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      this.#log.warn({ err: error, seq: result.seq }, 'Cannot keep exec result: no space');
    }
  }
}

/** What stands in the log until the result does, and for ever when the daemon dies first. */
function noteOf(seq: number, call: ExecCall, started: Date): ExecResult {
  return {
    seq,
    cmd: call.cmd,
    workdir: call.workdir,
    exit_code: -1,
    started: started.toISOString(),
    finished: started.toISOString(),
    duration_ms: 0,
    timed_out: false,
    truncated: false,
    stdout: '',
    stderr: '',
    interrupted: true,
  };
}

/** A power cut can leave a file without its content: the command then stands as interrupted, under its number. */
function parseResult(text: string, seq: number): ExecResult {
  try {
    return JSON.parse(text) as ExecResult;
  } catch (error) {
    if (error instanceof SyntaxError) return noteOf(seq, { cmd: '', workdir: '/', timeoutSeconds: 0 }, new Date(0));
    throw error;
  }
}
