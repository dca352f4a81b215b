import { posix } from 'node:path';

export interface MiniFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** Folders that every sandbox has, whatever its layers. */
const ALWAYS = ['/', '/bin', '/dev', '/etc', '/root', '/tmp'];

/** The files of an upper of the in-memory runtime: paths, contents, modes, and a size that ends. */
export class MiniFiles {
  readonly #files = new Map<string, MiniFile>();
  readonly #folders = new Set<string>(ALWAYS);
  readonly #limitBytes: number;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return [...this.#files.values()].reduce((sum, file) => sum + file.content.length, 0);
  }

  isFolder(path: string): boolean {
    return this.#folders.has(clean(path));
  }

  read(path: string): MiniFile | undefined {
    return this.#files.get(clean(path));
  }

  /** @throws Error with code ENOENT, EISDIR or ENOSPC */
  write(path: string, file: MiniFile): void {
    const name = clean(path);
    if (!this.#folders.has(posix.dirname(name))) throw errno('ENOENT');
    if (this.#folders.has(name)) throw errno('EISDIR');
    const old = this.#files.get(name)?.content.length ?? 0;
    if (this.usedBytes - old + file.content.length > this.#limitBytes) throw errno('ENOSPC');
    this.#files.set(name, file);
  }

  makeFolder(path: string): void {
    for (let name = clean(path); name !== '/'; name = posix.dirname(name)) this.#folders.add(name);
  }

  /** Every file and folder below a folder, by path relative to it, parents first. */
  below(folder: string): { readonly path: string; readonly file: MiniFile | undefined }[] {
    const prefix = clean(folder) === '/' ? '/' : `${clean(folder)}/`;
    const inside = [...this.#folders, ...this.#files.keys()].filter((path) => path.startsWith(prefix) && path !== '/');
    return inside.toSorted().map((path) => ({ path: path.slice(prefix.length), file: this.#files.get(path) }));
  }
}

function clean(path: string): string {
  return posix.resolve('/', path);
}

function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}
