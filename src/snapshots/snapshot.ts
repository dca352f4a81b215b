import { z } from 'zod';
import { type Digest, parseDigest, parseLayerName, parseSandboxId, parseSnapshotLabel } from '../domain/ids.ts';
import type { PinnedLayer, PinnedSnapshot } from '../domain/pinned-layer.ts';
import { formatCheckedLine, parseCheckedLine } from '../lib/checked-line.ts';
import type { Losses } from '../runtime/runtime.ts';

/** The durable description of a snapshot: what its bytes are, and what they are to lie on. `format` is the version of this shape. */
export interface Snapshot extends PinnedSnapshot {
  readonly format: 1;
  /** What the upper had been started on: the chain below, which the snapshot needs, by the bytes that it had. */
  readonly parent: PinnedSnapshot | null;
  /** Lowest first, by the digests that the sandbox had. */
  readonly layers: readonly PinnedLayer[];
  /** Environment of the commands of the sandbox. */
  readonly env: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  readonly pauseMs: number;
  readonly lost: Losses;
  /** RFC 3339 UTC. */
  readonly created: string;
}

const count = z.int().nonnegative();
const schema = z.strictObject({
  format: z.literal(1),
  sandbox: z.string().transform(parseSandboxId),
  label: z.string().transform(parseSnapshotLabel),
  digest: z.string().transform(parseDigest),
  parent: z
    .strictObject({
      sandbox: z.string().transform(parseSandboxId),
      label: z.string().transform(parseSnapshotLabel),
      digest: z.string().transform(parseDigest),
    })
    .nullable(),
  layers: z.array(
    z.strictObject({ name: z.string().transform(parseLayerName), digest: z.string().transform(parseDigest) }),
  ),
  env: z.record(z.string(), z.string()),
  sizeBytes: count,
  pauseMs: z.number().nonnegative(),
  lost: z.strictObject({ sockets: count, accessLists: count, subsecondTimes: count, times: count, attributes: count }),
  created: z.iso.datetime(),
});

/** The text of its file: one checked line. */
export function formatSnapshot(snapshot: Snapshot): string {
  return formatCheckedLine(snapshot);
}

/** @throws Error naming what is wrong: a bit that is not as it was written, or a record of a newer version */
export function parseSnapshot(text: string): Snapshot {
  const entry = parseCheckedLine(text.trimEnd());
  if (entry === undefined) throw new Error('the checksum is wrong');
  return schema.parse(entry);
}

/** What a sandbox writes down of a snapshot that it stands on. */
export function pinnedOf({ sandbox, label, digest }: Snapshot): PinnedSnapshot {
  return { sandbox, label, digest };
}

/** Oldest first; of one moment, by label. */
export function byAge(a: Snapshot, b: Snapshot): number {
  if (a.created !== b.created) return a.created < b.created ? -1 : 1;
  return a.label < b.label ? -1 : 1;
}

/** Every digest that a snapshot needs to be restored, its ancestors' aside. */
export function digestsOf(snapshot: Snapshot): readonly Digest[] {
  return [snapshot.digest, ...snapshot.layers.map(({ digest }) => digest)];
}
