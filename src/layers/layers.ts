import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '../domain/errors.ts';
import type { Digest, LayerName } from '../domain/ids.ts';
import { checkFit } from '../domain/layer-fit.ts';
import { orderLayers } from '../domain/layer-stack.ts';
import type { PinnedLayer, PinnedSnapshot } from '../domain/pinned-layer.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { LayerMounts, type LayerMountsOptions } from './layer-mounts.ts';
import { LayerStore } from './layer-store.ts';
import type { Sidecar } from './sidecar.ts';

/** A layer as the API lists it. */
export interface LayerInfo {
  readonly name: LayerName;
  /** Bytes. */
  readonly size: number;
  readonly location: 'local';
}

export interface LayersOptions extends Omit<LayerMountsOptions, 'onUnused'> {
  /** Whether a sandbox was made of these bytes: it needs them as long as it lives, mounted or not. */
  readonly isPinned: (digest: Digest) => boolean;
  /** The `modules` folder of the state root. */
  readonly dir: string;
  /** The `staging` folder of the state root. */
  readonly stagingDir: string;
  /** As `uname -m` says it. */
  readonly hostArch: string;
}

/** The layers of this installation: what there is, and what is mounted. */
export class Layers implements AsyncDisposable {
  readonly #store: LayerStore;
  readonly #mounts: LayerMounts;
  readonly #runtime: Pick<Runtime, 'removeLayer' | 'publishLayer'>;
  readonly #options: LayersOptions;

  constructor(
    runtime: Pick<Runtime, 'attachLayer' | 'detachLayer' | 'removeLayer' | 'publishLayer'>,
    options: LayersOptions,
  ) {
    this.#store = new LayerStore(options.dir);
    this.#mounts = new LayerMounts(runtime, { ...options, onUnused: (digest) => this.#collectOne(digest) });
    this.#runtime = runtime;
    this.#options = options;
  }

  /** By name. A layer whose sidecar is damaged is named in the log and left out. */
  async list(): Promise<LayerInfo[]> {
    const names = await this.#store.names();
    return names.map((name) => this.#describe(name)).filter((layer) => layer !== undefined);
  }

  /** Whether there is any layer that a sandbox can stand on (`000-…`). */
  async hasBase(): Promise<boolean> {
    return (await this.#store.names()).some((name) => name.startsWith('000-'));
  }

  /**
   * What these names point to now, lowest first.
   *
   * @throws INVALID_ARGUMENT for names that make no stack, LAYER_NOT_FOUND, LAYER_DAMAGED, LAYER_LIBC_MISMATCH, LAYER_ARCH_MISMATCH
   */
  async resolve(names: readonly LayerName[]): Promise<readonly Sidecar[]> {
    const stack = orderLayers(names).map((name) => this.#get(name));
    checkFit(stack, this.#options.hostArch);
    return stack;
  }

  /** Holds these layers mounted until the reference is disposed. @throws LAYER_NOT_FOUND, LAYER_DAMAGED */
  acquire(layers: readonly (PinnedLayer | PinnedSnapshot)[]): Promise<AsyncDisposable> {
    return this.#mounts.acquire(layers);
  }

  /** Unmounts those of them that nobody holds: what a daemon that died left behind. */
  sweep(digests: readonly Digest[]): Promise<void> {
    return this.#mounts.sweep(digests);
  }

  /** Gives bytes that are in the store a name. The caller holds them meanwhile. @throws LAYER_EXISTS */
  async publishStored(sidecar: Sidecar, options: { readonly replace: boolean }): Promise<void> {
    const staged = `made-${randomBytes(8).toString('hex')}`;
    const path = join(this.#options.stagingDir, `${staged}.json`);
    try {
      await writeFile(path, JSON.stringify(sidecar), { mode: 0o640 });
      const { sha256: digest } = sidecar;
      await this.#runtime.publishLayer(staged, sidecar.name, { digest, replace: options.replace, isStored: true });
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Removes the bytes that no name points to and no sandbox pins: what a name that was rebuilt left behind. */
  async collect(): Promise<void> {
    for (const digest of await this.#store.digests()) await this.#collectOne(digest);
  }

  /** Removes the bytes of one layer, unless somebody needs them. */
  discard(digest: Digest): Promise<void> {
    return this.#collectOne(digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mounts[Symbol.asyncDispose]();
  }

  /** The broker looks whether a name points to them: a publish may be under way beside this daemon. */
  async #collectOne(digest: Digest): Promise<void> {
    if (this.#options.isPinned(digest)) return;
    if (await this.#runtime.removeLayer(digest))
      this.#options.log.info({ digest }, 'Removed a layer that nothing names');
  }

  #get(name: LayerName): Sidecar {
    const sidecar = this.#store.find(name);
    if (sidecar !== undefined) return sidecar;
    throw new SandboxError('LAYER_NOT_FOUND', `not found: ${name}`, {
      details: { layer: name },
      ...(name === '000-base-alpine' && { hint: NO_ALPINE }),
    });
  }

  #describe(name: LayerName): LayerInfo | undefined {
    try {
      const sidecar = this.#store.find(name);
      return sidecar && { name, size: sidecar.size, location: 'local' };
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      this.#options.log.error({ err: error }, 'Cannot list layer');
      return undefined;
    }
  }
}

// The base that a create gets when it names none is not among those that this version can build.
const NO_ALPINE =
  'Build a base with `squash sq-mkbase debian` and start the daemon with SQUASH_DEFAULT_LAYERS=000-base-debian';
