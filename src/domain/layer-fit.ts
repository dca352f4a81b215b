import { SandboxError } from './errors.ts';

interface Fitting {
  readonly name: string;
  readonly arch: string;
  readonly libc: string;
}

/**
 * Refuses a stack whose programs could not run together, at create and by name instead of at run time by `not found`.
 * What the lowest layer that says anything says, holds for all.
 *
 * @param hostArch as `uname -m` says it
 * @throws LAYER_ARCH_MISMATCH, LAYER_LIBC_MISMATCH
 */
export function checkFit(layers: readonly Fitting[], hostArch: string): void {
  const foreign = layers.find((layer) => layer.arch !== 'any' && layer.arch !== hostArch);
  if (foreign !== undefined)
    throw new SandboxError(
      'LAYER_ARCH_MISMATCH',
      `Cannot use layer "${foreign.name}": it is made for ${foreign.arch}, and this host is ${hostArch}`,
    );
  const [base, ...others] = layers.filter((layer) => layer.libc !== 'none');
  const stranger = others.find((layer) => layer.libc !== base?.libc);
  if (base !== undefined && stranger !== undefined)
    throw new SandboxError(
      'LAYER_LIBC_MISMATCH',
      `Cannot stack layer "${stranger.name}" on "${base.name}": it is made for ${stranger.libc}, and the base has ${base.libc}`,
    );
}
