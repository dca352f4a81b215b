import { mkdir, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '../domain/errors.ts';
import { type Digest, isSandboxId, parseSnapshotLabel, type SandboxId, type SnapshotLabel } from '../domain/ids.ts';
import { syncFolder, writeFileDurably } from '../lib/atomic-write.ts';
import type { Log } from '../lib/log.ts';
import { automaticLabel } from './automatic-label.ts';
import { byAge, digestsOf, formatSnapshot, parseSnapshot, type Snapshot } from './snapshot.ts';

/** In the folder of a sandbox: `<label>.json`, the record, and `<label>.squashfs`, a link to the bytes for people and plain tools. */
export const SNAPSHOTS_FOLDER = 'snapshots';

/**
 * The snapshots of an installation: records of this daemon's, over bytes that the broker keeps beside those of layers.
 * A snapshot is there once its record is; it outlives its sandbox.
 */
export class SnapshotStore {
  readonly #dir: string;
  readonly #snapshots = new Map<SandboxId, Map<SnapshotLabel, Snapshot>>();
  /** Records that cannot be read, by their path relative to the folder of the sandboxes. */
  readonly #damaged = new Map<string, Error>();
  readonly #reserved = new Set<string>();
  /** Of those that somebody reads, how many do; and those that are going. */
  readonly #held = new Map<Snapshot, number>();
  readonly #going = new Set<Snapshot>();
  /** Sandboxes whose folder of snapshots is known to be on disk. */
  readonly #synced = new Set<SandboxId>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** @param dir the `sandboxes` folder of a state root */
  static async open(dir: string, log: Log): Promise<SnapshotStore> {
    const store = new SnapshotStore(dir);
    for (const id of await readdir(dir)) if (isSandboxId(id)) await store.#load(id);
    for (const [path, error] of store.#damaged) log.error({ err: error, path }, 'Cannot read snapshot');
    return store;
  }

  /** While a record cannot be read, nobody knows which bytes it needs. */
  get hasDamage(): boolean {
    return this.#damaged.size > 0;
  }

  /** Oldest first; of a sandbox that is gone, too. */
  list(id: SandboxId): readonly Snapshot[] {
    return [...(this.#snapshots.get(id)?.values() ?? [])].toSorted(byAge);
  }

  /** @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_DAMAGED */
  get(id: SandboxId, label: SnapshotLabel): Snapshot {
    const snapshot = this.#snapshots.get(id)?.get(label);
    if (snapshot !== undefined && !this.#going.has(snapshot)) return snapshot;
    const damage = this.#damaged.get(recordPath(id, label));
    if (damage === undefined) throw new SandboxError('SNAPSHOT_NOT_FOUND', `not found: ${label}`);
    throw new SandboxError('SNAPSHOT_DAMAGED', `Cannot use snapshot "${label}" of "${id}": its record is damaged`, {
      cause: damage,
    });
  }

  /**
   * What has to be mounted for a snapshot, lowest first: its ancestors and itself. None of them can be removed until it is disposed.
   *
   * @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_DAMAGED
   */
  hold(id: SandboxId, label: SnapshotLabel): { readonly chain: readonly Snapshot[] } & Disposable {
    const chain = this.#chain(this.get(id, label));
    for (const each of chain) this.#held.set(each, (this.#held.get(each) ?? 0) + 1);
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      for (const each of chain) this.#held.set(each, (this.#held.get(each) ?? 0) - 1);
    };
    return { chain, [Symbol.dispose]: release };
  }

  #chain(snapshot: Snapshot): readonly Snapshot[] {
    const chain = [snapshot];
    for (let { parent } = snapshot; parent !== null; ) {
      const below = this.#snapshots.get(parent.sandbox)?.get(parent.label);
      if (below?.digest !== parent.digest) {
        const isDamaged = this.#damaged.has(recordPath(parent.sandbox, parent.label));
        const state = below !== undefined ? 'another one' : isDamaged ? 'damaged' : 'not there';
        throw unusable(snapshot, `"${parent.label}" of "${parent.sandbox}", which it stands on, is ${state}`);
      }
      // Records say who came before: one that lies could run in a circle.
      if (chain.includes(below)) throw unusable(snapshot, 'it stands on itself');
      chain.push(below);
      ({ parent } = below);
    }
    return chain.toReversed();
  }

  /** Whether a snapshot needs these bytes. */
  pins(digest: Digest): boolean {
    if (this.hasDamage) return true;
    for (const ofOne of this.#snapshots.values())
      for (const snapshot of ofOne.values()) if (digestsOf(snapshot).includes(digest)) return true;
    return false;
  }

  /** Keeps a label for a snapshot that is being made, until it is disposed. @throws SNAPSHOT_EXISTS */
  reserve(id: SandboxId, wanted: SnapshotLabel | undefined, now: Date): { label: SnapshotLabel } & Disposable {
    const isTaken = (label: SnapshotLabel) =>
      this.#snapshots.get(id)?.has(label) === true ||
      this.#damaged.has(recordPath(id, label)) ||
      this.#reserved.has(recordPath(id, label));
    const label = wanted ?? automaticLabel(now, isTaken);
    if (isTaken(label)) throw new SandboxError('SNAPSHOT_EXISTS', `exists: ${label}`);
    this.#reserved.add(recordPath(id, label));
    return { label, [Symbol.dispose]: () => void this.#reserved.delete(recordPath(id, label)) };
  }

  /** Resolves when the snapshot is on disk. @throws NO_SPACE */
  async add(snapshot: Snapshot): Promise<void> {
    const { sandbox, label, digest } = snapshot;
    const path = join(this.#dir, recordPath(sandbox, label));
    try {
      await this.#makeFolder(sandbox);
      await rm(viewPath(path), { force: true });
      await symlink(viewTarget(digest), viewPath(path));
      await writeFileDurably(path, formatSnapshot(snapshot));
    } catch (error) {
      // What nobody was told of must not be found by the next daemon.
      await rm(path, { force: true });
      await rm(viewPath(path), { force: true });
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw new SandboxError('NO_SPACE', 'no space for a snapshot', { cause: error });
    }
    this.#ofSandbox(sandbox).set(label, snapshot);
  }

  /** Resolves when the record is gone from the disk. Its bytes are for the layers' collection. @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_IN_USE */
  async remove(id: SandboxId, label: SnapshotLabel): Promise<void> {
    const relative = recordPath(id, label);
    const snapshot = this.#damaged.has(relative) ? undefined : this.get(id, label);
    const child = this.#childOf(id, label);
    if (child !== undefined)
      throw new SandboxError(
        'SNAPSHOT_IN_USE',
        `Cannot delete snapshot "${label}": snapshot "${child.label}" of "${child.sandbox}" stands on it`,
        { hint: `Delete "${child.label}" first`, details: { snapshot: child.label, sandbox: child.sandbox } },
      );
    if (snapshot === undefined) return this.#erase(id, label);
    if (this.#held.get(snapshot))
      throw new SandboxError('SNAPSHOT_IN_USE', `Cannot delete snapshot "${label}": it is being restored`);
    // Nobody begins to use it from here on; its bytes and its label stay its own until it is gone.
    this.#going.add(snapshot);
    await this.#erase(id, label).finally(() => this.#going.delete(snapshot));
  }

  async #erase(id: SandboxId, label: SnapshotLabel): Promise<void> {
    const relative = recordPath(id, label);
    const path = join(this.#dir, relative);
    await rm(path, { force: true });
    await syncFolder(join(this.#dir, id, SNAPSHOTS_FOLDER));
    await rm(viewPath(path), { force: true });
    this.#damaged.delete(relative);
    this.#snapshots.get(id)?.delete(label);
  }

  #childOf(id: SandboxId, label: SnapshotLabel): Snapshot | undefined {
    for (const ofOne of this.#snapshots.values())
      for (const snapshot of ofOne.values())
        if (snapshot.parent?.sandbox === id && snapshot.parent.label === label) return snapshot;
    return undefined;
  }

  async #load(id: SandboxId): Promise<void> {
    const files = await readdir(join(this.#dir, id, SNAPSHOTS_FOLDER)).catch(emptyWhenMissing);
    await this.#sweep(id, files);
    for (const file of files.filter((name) => name.endsWith('.json'))) {
      const relative = join(id, SNAPSHOTS_FOLDER, file);
      try {
        const label = parseSnapshotLabel(file.slice(0, -'.json'.length));
        const snapshot = parseSnapshot(await readFile(join(this.#dir, relative), 'utf8'));
        if (snapshot.sandbox !== id || snapshot.label !== label)
          throw new Error(`it is that of "${snapshot.label}" of "${snapshot.sandbox}"`);
        await this.#checkView(relative, snapshot);
        this.#ofSandbox(id).set(label, snapshot);
      } catch (error) {
        this.#damaged.set(relative, error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  /** The link says a second time which bytes are meant. A backup may come without it. */
  async #checkView(relative: string, { digest }: Snapshot): Promise<void> {
    const target = await readlink(viewPath(join(this.#dir, relative))).catch(undefinedWhenMissing);
    if (target !== undefined && target !== viewTarget(digest))
      throw new Error(`it names the bytes ${digest}, and the link beside it leads to ${target}`);
  }

  /** What a daemon left that was killed in the middle of adding one: half a record, a link without a record. */
  async #sweep(id: SandboxId, files: readonly string[]): Promise<void> {
    const isLeft = (file: string) =>
      file.endsWith('.json.new') || (file.endsWith('.squashfs') && !files.includes(file.replace(/squashfs$/, 'json')));
    for (const file of files.filter(isLeft)) await rm(join(this.#dir, id, SNAPSHOTS_FOLDER, file), { force: true });
  }

  /** A folder is on disk when the one that holds it is: one that is there may be what a killed daemon made, and nobody flushed. */
  async #makeFolder(id: SandboxId): Promise<void> {
    const made = await mkdir(join(this.#dir, id, SNAPSHOTS_FOLDER), { recursive: true, mode: 0o750 });
    if (made === undefined && this.#synced.has(id)) return;
    await syncFolder(join(this.#dir, id));
    await syncFolder(this.#dir);
    this.#synced.add(id);
  }

  #ofSandbox(id: SandboxId): Map<SnapshotLabel, Snapshot> {
    const there = this.#snapshots.get(id) ?? new Map<SnapshotLabel, Snapshot>();
    this.#snapshots.set(id, there);
    return there;
  }
}

function unusable({ label }: Snapshot, state: string): SandboxError {
  return new SandboxError('SNAPSHOT_DAMAGED', `Cannot use snapshot "${label}": ${state}`);
}

function recordPath(id: SandboxId, label: SnapshotLabel): string {
  return join(id, SNAPSHOTS_FOLDER, `${label}.json`);
}

function viewPath(path: string): string {
  return path.replace(/json$/, 'squashfs');
}

function viewTarget(digest: Digest): string {
  return `../../../modules/sha256/${digest}.squashfs`;
}

function undefinedWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
}
