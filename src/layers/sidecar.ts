import { z } from 'zod';
import { SandboxError } from '../domain/errors.ts';
import { type Digest, type LayerName, parseDigest, parseLayerName } from '../domain/ids.ts';

/** What is known about a layer: `NNN-name.json` beside its bytes. Its presence is what publishes the layer. */
export interface Sidecar {
  readonly format: 1;
  readonly name: LayerName;
  readonly sha256: Digest;
  /** Bytes of the image. */
  readonly size: number;
  /** As `uname -m` says it, or `any` when nothing in it is made for one processor. */
  readonly arch: string;
  /** What its programs link with; `none` when they link with neither. */
  readonly libc: 'glibc' | 'musl' | 'none';
  /** How it was built. */
  readonly recipe: string;
  /** Package name → version. */
  readonly packages: Readonly<Record<string, string>>;
  /** Added to the environment of every command. `PATH` is a list of folders that go in front of the standard ones. */
  readonly env: Readonly<Record<string, string>>;
}

const schema = z.strictObject({
  format: z.literal(1),
  name: z.string().transform(parseLayerName),
  sha256: z.string().transform(parseDigest),
  size: z.int().nonnegative(),
  arch: z.string().regex(/^[a-z0-9_]{1,32}$/),
  libc: z.enum(['glibc', 'musl', 'none']),
  recipe: z.string(),
  packages: z.record(z.string(), z.string()),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().regex(/^[^\0]*$/)),
});

/** @throws LAYER_DAMAGED naming the first thing that is wrong */
export function parseSidecar(json: string, name: LayerName): Sidecar {
  const sidecar = parse(json, name);
  if (sidecar.name !== name)
    throw new SandboxError('LAYER_DAMAGED', `Cannot read layer "${name}": its sidecar names "${sidecar.name}"`);
  return sidecar;
}

function parse(json: string, name: LayerName): Sidecar {
  try {
    return schema.parse(JSON.parse(json));
  } catch (error) {
    throw new SandboxError(
      'LAYER_DAMAGED',
      `Cannot read layer "${name}": its sidecar is damaged (${firstLine(error)})`,
      { cause: error },
    );
  }
}

function firstLine(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  const issue = error.issues[0];
  return issue === undefined ? error.message : `${issue.path.join('.')}: ${issue.message}`;
}
