import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './run.ts';

function must(argv: readonly string[]): void {
  const { status, stderr } = run(argv);
  if (status !== 0) throw new Error(`Cannot run ${argv.join(' ')}: ${stderr}`);
}

/** A file system of its own, so that it can be full without the host being so. Needs root. */
export class SmallDisk implements AsyncDisposable {
  /** Where it is mounted, on the host. */
  readonly folder: string;
  readonly #work: string;

  constructor(sizeBytes: number) {
    this.#work = mkdtempSync(join(tmpdir(), 'disk-'));
    this.folder = join(this.#work, 'mount');
    mkdirSync(this.folder);
    const image = join(this.#work, 'image');
    must(['truncate', '--size', String(sizeBytes), image]);
    // Nothing is kept for root: what is full is full for everybody.
    must(['mkfs.ext4', '-q', '-m', '0', image]);
    must(['mount', '-o', 'loop', image, this.folder]);
    must(['chmod', '755', this.#work]);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** @throws when something still uses it after ten seconds */
  async [Symbol.asyncDispose](): Promise<void> {
    for (let tries = 0; ; tries++) {
      const { status, stderr } = run(['umount', this.folder]);
      if (status === 0) break;
      if (tries === 100) throw new Error(`Cannot unmount ${this.folder}: ${stderr}`);
      await delay(100);
    }
    rmSync(this.#work, { recursive: true });
  }
}
