import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, type LayerName, parseDigest, parseLayerName } from '../domain/ids.ts';
import { parseSidecar, type Sidecar } from './sidecar.ts';

const BYTES_FILE = /^([0-9a-f]{64})\.squashfs$/;
const SIDECAR_FILE = /^([0-9]{3}-[A-Za-z0-9_.-]+)\.json$/;

/** Reads `modules/`. The broker writes it; a layer is there once its sidecar is. Nothing is kept in memory: publishing needs no daemon. */
export class LayerStore {
  readonly #dir: string;

  /** @param dir the `modules` folder of a state root */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** By name. */
  async names(): Promise<readonly LayerName[]> {
    const files = await readdir(this.#dir).catch(emptyWhenMissing);
    return files
      .map((file) => SIDECAR_FILE.exec(file)?.[1])
      .filter((name) => name !== undefined && !name.includes('..'))
      .map(parseLayerName)
      .toSorted();
  }

  /** Every digest whose bytes are stored, whether a name points to them or not. */
  async digests(): Promise<readonly Digest[]> {
    const files = await readdir(join(this.#dir, 'sha256')).catch(emptyWhenMissing);
    return files
      .map((file) => BYTES_FILE.exec(file)?.[1])
      .filter((digest) => digest !== undefined)
      .map(parseDigest);
  }

  /**
   * What the name points to now; undefined when there is no such layer. Synchronous, as it stands in the way of every create:
   * 10 µs from the page cache, and ten times that with a hop to a thread.
   *
   * @throws LAYER_DAMAGED
   */
  find(name: LayerName): Sidecar | undefined {
    const json = this.#read(`${name}.json`);
    return json === undefined ? undefined : parseSidecar(json, name);
  }

  #read(file: string): string | undefined {
    try {
      return readFileSync(join(this.#dir, file), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
