import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { run } from './run.ts';

const PATIENCE_MS = 10_000;

function must(...argv: readonly string[]): string {
  const { status, stdout, stderr } = run(argv);
  if (status !== 0) throw new Error(`Cannot run ${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/**
 * An ext4 on a disk that can be copied at any moment as it is, which is what a power cut leaves of it. Needs root.
 * The disk is a file on a btrfs, of whose subvolume a snapshot is taken: the file system above knows nothing of that, and flushes nothing.
 */
export class CuttableDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly folder: string;
  readonly #work: string;
  readonly #volume: string;

  constructor(sizeBytes: number) {
    this.#work = mkdtempSync(join(tmpdir(), 'cut-'));
    this.folder = join(this.#work, 'mount');
    this.#volume = join(this.#work, 'volume');
    for (const folder of [this.folder, this.#volume]) mkdirSync(folder);
    must('chmod', '755', this.#work);
    const volumeImage = join(this.#work, 'volume.img');
    must('truncate', '--size', String(2 * sizeBytes + 1024 ** 3), volumeImage);
    must('mkfs.btrfs', '-q', volumeImage);
    must('mount', '-o', 'loop', volumeImage, this.#volume);
    must('btrfs', 'subvolume', 'create', join(this.#volume, 'disk'));
    // Kernel: what has checksums is written through the page cache by btrfs, direct or not.
    must('chattr', '+C', join(this.#volume, 'disk'));
    must('truncate', '--size', String(sizeBytes), this.#image);
    must('mkfs.ext4', '-q', this.#image);
    this.#mount();
  }

  get #image(): string {
    return join(this.#volume, 'disk/image');
  }

  /** Keeps what the disk holds at one moment between the call and its end; this process goes on meanwhile. */
  async cut(): Promise<void> {
    const [disk, copy] = [join(this.#volume, 'disk'), join(this.#volume, 'cut')];
    await promisify(execFile)('btrfs', ['subvolume', 'snapshot', '-r', disk, copy]);
  }

  /** Mounts what was kept in the place of what is there, which nobody uses any more. */
  async boot(): Promise<void> {
    const [disk, copy] = [join(this.#volume, 'disk'), join(this.#volume, 'cut')];
    await this.#unmount(this.folder);
    must('btrfs', 'subvolume', 'delete', disk);
    must('btrfs', 'subvolume', 'snapshot', copy, disk);
    must('btrfs', 'subvolume', 'delete', copy);
    this.#mount();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unmount(this.folder);
    await this.#unmount(this.#volume);
    rmSync(this.#work, { recursive: true });
  }

  #mount(): void {
    const loop = must('losetup', '--direct-io=on', '--find', '--show', this.#image);
    try {
      if (readFileSync(`/sys/block/${basename(loop)}/loop/dio`, 'utf8') !== '1\n')
        throw new Error(`Cannot make a disk: ${loop} writes through the page cache`);
      // Nothing reaches the disk by itself within the time of a test.
      must('mount', '-o', 'commit=300', loop, this.folder);
    } finally {
      // In use, it is let go of with its last user.
      must('losetup', '--detach', loop);
    }
  }

  async #unmount(folder: string): Promise<void> {
    for (const giveUpAt = performance.now() + PATIENCE_MS; ; await delay(50)) {
      const { status, stderr } = run(['umount', folder]);
      if (status === 0) return;
      if (performance.now() > giveUpAt) throw new Error(`Cannot unmount ${folder}: ${stderr}`);
    }
  }
}
