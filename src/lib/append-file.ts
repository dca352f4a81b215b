import { type FileHandle, open } from 'node:fs/promises';

interface Waiting {
  readonly text: string;
  readonly durable: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A file that only grows, by group commit: whatever waits while a write is under way goes into the next one together, so that
 * many appends cost one write and one fdatasync. An append that rejected is not in the file, unless the file as a whole is lost
 * (every later append then rejects too).
 */
export class AppendFile implements AsyncDisposable {
  readonly #file: FileHandle;
  #sizeBytes: number;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #broken: Error | undefined;

  private constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  static async open(path: string): Promise<AppendFile> {
    const file = await open(path, 'r+');
    return new AppendFile(file, (await file.stat()).size);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Resolves when the text is on disk. */
  append(text: string): Promise<void> {
    return this.#enqueue(text, true);
  }

  /** Resolves when the text would outlive this process, though not a power cut; what is appended later never stands without it. */
  note(text: string): Promise<void> {
    return this.#enqueue(text, false);
  }

  /** Writes what waits, then closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#broken ??= new Error('The file is closed');
    await this.#file.close();
  }

  #enqueue(text: string, durable: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, durable, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // One turn of the loop, so that appends of the same moment share the first write too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#commit(batch).catch((error: unknown) => {
        for (const each of batch) each.reject(error);
      });
    }
    this.#running = undefined;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.#write(Buffer.from(batch.map((each) => each.text).join('')));
    for (const each of batch) if (!each.durable) each.resolve();
    if (batch.some((each) => each.durable)) await this.#flush();
    for (const each of batch) each.resolve();
  }

  async #write(bytes: Buffer): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; )
        done += (await this.#file.write(bytes, done, bytes.length - done, this.#sizeBytes + done)).bytesWritten;
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
    this.#sizeBytes += bytes.length;
  }

  async #flush(): Promise<void> {
    // Kernel: after a failed fdatasync the pages count as clean, and a second one "succeeds" although nothing is on disk.
    await this.#file.datasync().catch((error: Error) => {
      this.#broken = error;
      throw error;
    });
  }

  /** A full disk takes a part of a batch: nothing may stand behind half a line. */
  async #takeBack(): Promise<void> {
    await this.#file.truncate(this.#sizeBytes).catch((error: Error) => {
      this.#broken = error;
    });
  }
}
