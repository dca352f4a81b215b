import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, parseDigest } from '../../domain/ids.ts';

const STAGED = /^build-(\d+)-(\d+)-[0-9a-f]{8}\./;

/**
 * A layer that is being made: `staging/<stem>.squashfs` and its sidecar. Disposing it removes what publishing did not take.
 * The stem names the process that builds, so that what a killed one left behind can be told from what another is busy with.
 */
export class StagedLayer implements AsyncDisposable {
  readonly stem: string;
  readonly imagePath: string;
  readonly #sidecarPath: string;

  private constructor(folder: string, stem: string) {
    this.stem = stem;
    this.imagePath = join(folder, `${stem}.squashfs`);
    this.#sidecarPath = join(folder, `${stem}.json`);
  }

  /** Names a new one; nothing is made yet. Removes what dead builders left in the folder. */
  static async in(folder: string): Promise<StagedLayer> {
    await removeAbandoned(folder);
    const stem = `build-${process.pid}-${await startTimeOf(process.pid)}-${randomBytes(4).toString('hex')}`;
    return new StagedLayer(folder, stem);
  }

  /** Hashes the image. Security: the build user owns the folder, so a link put in the image's place is not followed. */
  async measure(): Promise<{ readonly digest: Digest; readonly sizeBytes: number }> {
    await using file = await open(this.imagePath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 })) {
      hash.update(chunk as Buffer);
      sizeBytes += (chunk as Buffer).length;
    }
    return { digest: parseDigest(hash.digest('hex')), sizeBytes };
  }

  /** Writes the sidecar. Exclusive, which also means that no link is followed (open(2), O_EXCL). */
  async describe(sidecar: string): Promise<void> {
    await using file = await open(this.#sidecarPath, 'wx', 0o640);
    await file.writeFile(sidecar);
    await file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([rm(this.imagePath, { force: true }), rm(this.#sidecarPath, { force: true })]);
  }
}

/** Whether a name of a staged file or work folder belongs to a process that is gone. */
export async function isAbandoned(name: string): Promise<boolean> {
  const match = STAGED.exec(`${name}.`);
  return match !== null && (await startTimeOf(Number(match[1]))) !== match[2];
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (await isAbandoned(name)) await rm(join(folder, name), { force: true });
}

/** When a process started, in clock ticks since boot (proc_pid_stat(5), field 22); undefined when there is none. A pid alone may have been given away again. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The command's name, field 2, may hold spaces and parentheses: count from the last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
