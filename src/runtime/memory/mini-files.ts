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
  /** What lies below: seen through, never written. */
  #lowers: readonly MiniFiles[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return [...this.#files.values()].reduce((sum, file) => sum + file.content.length, 0);
  }

  /** @param lowers top first */
  standOn(lowers: readonly MiniFiles[]): void {
    this.#lowers = lowers;
  }

  /** All that is in these, the first one on top, as files of their own. */
  static merged(parts: readonly MiniFiles[], limitBytes = Number.MAX_SAFE_INTEGER): MiniFiles {
    const whole = new MiniFiles(limitBytes);
    for (const part of parts.toReversed()) {
      for (const folder of part.#folders) whole.#folders.add(folder);
      for (const [path, file] of part.#files) whole.#files.set(path, file);
    }
    return whole;
  }

  isFolder(path: string): boolean {
    return this.#folders.has(clean(path)) || this.#lowers.some((lower) => lower.isFolder(path));
  }

  read(path: string): MiniFile | undefined {
    return this.#files.get(clean(path)) ?? this.#lowers.find((lower) => lower.read(path))?.read(path);
  }

  /** @throws Error with code ENOENT, EISDIR or ENOSPC */
  write(path: string, file: MiniFile): void {
    const name = clean(path);
    if (!this.isFolder(posix.dirname(name))) throw errno('ENOENT');
    if (this.isFolder(name)) throw errno('EISDIR');
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
    const all = MiniFiles.merged([this, ...this.#lowers]);
    const inside = [...all.#folders, ...all.#files.keys()].filter((path) => path.startsWith(prefix) && path !== '/');
    return inside.toSorted().map((path) => ({ path: path.slice(prefix.length), file: all.#files.get(path) }));
  }
}

function clean(path: string): string {
  return posix.resolve('/', path);
}

function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}
