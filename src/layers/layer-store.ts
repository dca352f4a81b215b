import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type LayerName, parseLayerName } from '../domain/ids.ts';
import { parseSidecar, type Sidecar } from './sidecar.ts';

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
