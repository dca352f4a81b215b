import { chmod, chown, mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { builderEnvironment } from './builder-environment.ts';
import type { Account } from './launch.ts';
import { run } from './run.ts';
import { isAbandoned } from './staged-layer.ts';

/** Beside `staging/`, which only the build user and the daemon may enter: subordinate ids of a build must reach their own files. */
const WORK_ROOT = 'build';

/** Two empty folders for one build; disposing removes them, whoever owns what is in them. */
export class WorkFolder implements AsyncDisposable {
  /** The build user's; others can pass through it but not list it. */
  readonly userPath: string;
  /** Root's alone. */
  readonly rootPath: string;
  readonly #path: string;
  readonly #root: string;

  private constructor(root: string, stem: string) {
    this.#root = root;
    this.#path = join(root, stem);
    this.userPath = join(this.#path, 'user');
    this.rootPath = join(this.#path, 'root');
  }

  /** @param options.stem name of the staged layer: it tells whose folder this is */
  static async create(
    dataDir: string,
    options: { readonly stem: string; readonly account: Account },
  ): Promise<WorkFolder> {
    const work = new WorkFolder(join(dataDir, WORK_ROOT), options.stem);
    await mkdir(work.#root, { recursive: true });
    for (const name of await readdir(work.#root)) if (await isAbandoned(name)) await removeTree(join(work.#root, name));
    for (const path of [work.#path, work.userPath, work.rootPath]) await mkdir(path, { mode: 0o700 });
    await chown(work.userPath, options.account.uid, options.account.gid);
    // mkdir's mode is cut by the umask, chmod's is not.
    for (const path of [work.#root, work.#path, work.userPath]) await chmod(path, 0o711);
    return work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.#path);
    await rmdir(this.#root).catch((error: NodeJS.ErrnoException) => {
      // Another build is busy, or has just ended and removed it.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
    });
  }
}

/** Security: foreign accounts own what is below. rm(1) walks by descriptors, so that a folder swapped for a link leads it nowhere. */
async function removeTree(path: string): Promise<void> {
  const signal = new AbortController().signal;
  await run(['rm', '-rf', '--one-file-system', '--', path], 'rm', { env: builderEnvironment({}), signal });
}
