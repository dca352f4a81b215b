import { SandboxError } from '../domain/errors.ts';
import type { LayerName } from '../domain/ids.ts';
import type { PinnedSnapshot } from '../domain/pinned-layer.ts';
import type { Sidecar } from '../layers/sidecar.ts';
import type { Capture } from '../runtime/runtime.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import { captureOf, captureUpper, mountOnce } from './capture-upper.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';

export interface MadeLayer {
  readonly name: LayerName;
  /** Let the name point to these bytes, although it points to others. */
  readonly replace: boolean;
}

/**
 * Makes a layer of what has been written in a sandbox, the snapshots that it stands on included, as one: on the same layers below it means
 * what they meant together.
 *
 * @throws LAYER_EXISTS, and what a snapshot throws
 */
export async function layerFromSandbox(sandbox: Sandbox, layer: MadeLayer, parts: SandboxParts): Promise<Sidecar> {
  checkName(layer);
  sandbox.checkUsable();
  return sandbox.inTurn(async () => {
    sandbox.checkUsable();
    const { record } = sandbox;
    const capture = await captureUpper(sandbox, { parts, layers: digestsOf(record.snapshots) });
    await using _mounted = await mountOnce({ name: layer.name, digest: capture.digest }, sandbox, parts);
    return await name(capture, layer, { names: namesOf(record), recipe: `from-sandbox ${sandbox.id}`, parts });
  });
}

/**
 * Makes a layer of a snapshot, those that it stands on included. One that stands on nothing is a layer as it is; several have to be packed as
 * one, by a sandbox of the snapshot's name.
 *
 * @throws LAYER_EXISTS, SNAPSHOT_DAMAGED, SANDBOX_NOT_FOUND when there is none of that name and one is needed
 */
export async function promoteSnapshot(
  { sandbox: id, label }: Pick<PinnedSnapshot, 'sandbox' | 'label'>,
  layer: MadeLayer,
  parts: SandboxParts,
): Promise<Sidecar> {
  checkName(layer);
  using held = parts.snapshots.hold(id, label);
  const snapshot = parts.snapshots.get(id, label);
  const about = { names: namesOf(snapshot), recipe: `promote ${id} ${label}`, parts };
  await using _mounted = await parts.layers.acquire(held.chain);
  if (held.chain.length === 1) return await name(snapshot, layer, about);
  const sandbox = parts.registry.get(id);
  sandbox.checkUsable();
  return await sandbox.inTurn(async () => {
    const { upper } = sandbox.record;
    const packed = { upper, of: 'layers', layers: digestsOf(held.chain) } as const;
    const capture = await captureOf(sandbox, packed, parts);
    await using _whole = await mountOnce({ name: layer.name, digest: capture.digest }, sandbox, parts);
    return await name(capture, layer, about);
  });
}

interface About {
  /** Layers that it was written on, lowest first. */
  readonly names: readonly LayerName[];
  readonly recipe: string;
  readonly parts: SandboxParts;
}

/** Before anything is packed for it. */
function checkName(layer: MadeLayer): void {
  if (layer.name.startsWith('000-'))
    throw new SandboxError(
      'INVALID_ARGUMENT',
      'Cannot make a base of it: it lies on one (take another number than 000)',
    );
}

/** Gives stored bytes a name. What it fits on is what it was written on. */
async function name(
  { digest, sizeBytes }: Pick<Capture, 'digest' | 'sizeBytes'>,
  layer: MadeLayer,
  { names, recipe, parts }: About,
): Promise<Sidecar> {
  const below = await parts.layers.resolve(names);
  const sidecar: Sidecar = {
    format: 1,
    name: layer.name,
    sha256: digest,
    size: sizeBytes,
    arch: below.find(({ arch }) => arch !== 'any')?.arch ?? 'any',
    libc: below.find(({ libc }) => libc !== 'none')?.libc ?? 'none',
    recipe,
    packages: {},
    env: {},
  };
  await parts.layers.publishStored(sidecar, { replace: layer.replace });
  return sidecar;
}

/** Top first. */
function digestsOf(chain: readonly PinnedSnapshot[]) {
  return chain.map(({ digest }) => digest).toReversed();
}

function namesOf({ layers }: Pick<Snapshot, 'layers'>): readonly LayerName[] {
  return layers.map((each) => each.name);
}
