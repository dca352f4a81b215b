import { type ErrorCode, SandboxError } from '../domain/errors.ts';
import type { Digest } from '../domain/ids.ts';
import type { PinnedLayer, PinnedSnapshot } from '../domain/pinned-layer.ts';
import { KeyedMutex } from '../lib/keyed-mutex.ts';
import type { Log } from '../lib/log.ts';
import type { Runtime } from '../runtime/runtime.ts';

interface Mounted {
  references: number;
  attached: boolean;
  lingering: NodeJS.Timeout | undefined;
}

export interface LayerMountsOptions {
  /** How long an unused layer stays mounted, so that create after destroy does not mount again. */
  readonly lingerMs: number;
  /** Called when nobody uses a layer any more and it was unmounted. */
  readonly onUnused: (digest: Digest) => Promise<void>;
  readonly log: Log;
}

/** What can be mounted: a snapshot is a layer without a name. */
type Pinned = PinnedLayer | PinnedSnapshot;

type LayerPort = Pick<Runtime, 'attachLayer' | 'detachLayer'>;

/** Which layers are mounted, and for how many: once a host, whoever uses it, and not at all when nobody does. */
export class LayerMounts implements AsyncDisposable {
  readonly #runtime: LayerPort;
  readonly #options: LayerMountsOptions;
  readonly #mounted = new Map<Digest, Mounted>();
  // The runtime refuses a second operation on one layer while the first runs.
  readonly #oneAtATime = new KeyedMutex<Digest>();

  constructor(runtime: LayerPort, options: LayerMountsOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Mounts what is not yet mounted; all of it or nothing. The caller owns the references. @throws LAYER_NOT_FOUND, LAYER_DAMAGED */
  async acquire(layers: readonly Pinned[]): Promise<AsyncDisposable> {
    const unique = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    for (const { digest } of unique) this.#refer(digest);
    let held = true;
    const release = async (): Promise<void> => {
      if (!held) return;
      held = false;
      for (const { digest } of unique) this.#forget(digest);
    };
    const results = await Promise.allSettled(unique.map((layer) => this.#attach(layer)));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) {
      await release();
      throw failure.reason;
    }
    return { [Symbol.asyncDispose]: release };
  }

  /** Unmounts those of them that nobody refers to. */
  async sweep(digests: readonly Digest[]): Promise<void> {
    const unused = digests.filter((digest) => !this.#mounted.has(digest));
    await Promise.all(unused.map((digest) => this.#oneAtATime.run(digest, () => this.#runtime.detachLayer(digest))));
  }

  /** Unmounts every layer that nobody uses, now. Those in use stay mounted for the next daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    const unused = [...this.#mounted].filter(([, layer]) => layer.references === 0);
    await Promise.all(
      unused.map(([digest, layer]) => {
        clearTimeout(layer.lingering);
        return this.#detachUnused(digest);
      }),
    );
  }

  #refer(digest: Digest): void {
    const layer = this.#mounted.get(digest) ?? { references: 0, attached: false, lingering: undefined };
    layer.references++;
    clearTimeout(layer.lingering);
    this.#mounted.set(digest, layer);
  }

  async #attach(pinned: Pinned): Promise<void> {
    const { digest } = pinned;
    const layer = this.#mounted.get(digest);
    if (layer?.attached === true) return;
    await this.#oneAtATime.run(digest, async () => {
      if (layer === undefined || layer.attached) return;
      await this.#runtime.attachLayer(digest).catch((error: unknown) => {
        throw withName(error, pinned);
      });
      layer.attached = true;
    });
  }

  #forget(digest: Digest): void {
    const layer = this.#mounted.get(digest);
    if (layer === undefined || --layer.references > 0) return;
    layer.lingering = setTimeout(() => void this.#detachUnused(digest), this.#options.lingerMs).unref();
  }

  /** Never rejects: a layer that stays mounted costs memory, is tried again at its next release and swept at the next start. */
  #detachUnused(digest: Digest): Promise<void> {
    return this.#oneAtATime.run(digest, async () => {
      const layer = this.#mounted.get(digest);
      if (layer === undefined || layer.references > 0) return;
      // From here until the runtime answers, a new reference must mount again: it waits its turn behind this.
      this.#mounted.delete(digest);
      if (!layer.attached) return;
      layer.attached = false;
      await this.#runtime
        .detachLayer(digest)
        .then(() => this.#options.onUnused(digest))
        .catch((error: unknown) => this.#options.log.error({ err: error, digest }, 'Cannot give up layer'));
    });
  }
}

const STATES: Partial<Record<ErrorCode, string>> = {
  LAYER_DAMAGED: 'its file is not what was published',
  LAYER_NOT_FOUND: 'its file is missing',
};

/** The runtime knows a layer by its digest. */
function withName(error: unknown, pinned: Pinned): unknown {
  const state = error instanceof SandboxError ? STATES[error.code] : undefined;
  if (!(error instanceof SandboxError) || state === undefined) return error;
  if ('label' in pinned)
    return new SandboxError('SNAPSHOT_DAMAGED', `Cannot use snapshot "${pinned.label}": ${state}`, {
      details: { ...error.details, snapshot: pinned.label },
      cause: error,
    });
  return new SandboxError(error.code, `Cannot use layer "${pinned.name}": ${state}`, {
    details: { ...error.details, layer: pinned.name },
    cause: error,
  });
}
