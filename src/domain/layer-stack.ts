import { SandboxError } from './errors.ts';
import type { LayerName } from './ids.ts';

// The wire carries at most so many digests (native/PROTOCOL.md); overlayfs itself takes 500 lowerdirs.
const MAX_LAYERS = 128;

/**
 * The order of a stack, lowest first: by name, so that the highest number is on top, the same on every backend.
 *
 * @throws INVALID_ARGUMENT for no layer, too many, or one twice
 */
export function orderLayers(names: readonly LayerName[]): readonly LayerName[] {
  if (names.length === 0) throw new SandboxError('INVALID_ARGUMENT', 'layers must name at least one layer');
  if (names.length > MAX_LAYERS)
    throw new SandboxError('INVALID_ARGUMENT', `layers may name at most ${MAX_LAYERS} layers`);
  // Names are ASCII and start with three digits: their byte order is the order of the numbers, then of the names.
  const ordered = names.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
  const twice = ordered.find((name, index) => name === ordered[index + 1]);
  if (twice !== undefined) throw new SandboxError('INVALID_ARGUMENT', `layers names "${twice}" twice`);
  return ordered;
}
