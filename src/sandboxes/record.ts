import { z } from 'zod';
import { parseDigest, parseLayerName, parseSandboxId, parseSnapshotLabel, parseUpperId } from '../domain/ids.ts';
import type { SandboxRecord } from './types.ts';

/** The shape that this version writes. */
export const RECORD_FORMAT = 2;

const schema = z.strictObject({
  format: z.literal(RECORD_FORMAT),
  id: z.string().transform(parseSandboxId),
  state: z.enum(['creating', 'running', 'destroying']),
  layers: z.array(
    z.strictObject({ name: z.string().transform(parseLayerName), digest: z.string().transform(parseDigest) }),
  ),
  snapshots: z.array(
    z.strictObject({
      sandbox: z.string().transform(parseSandboxId),
      label: z.string().transform(parseSnapshotLabel),
      digest: z.string().transform(parseDigest),
    }),
  ),
  restacking: z.boolean(),
  env: z.record(z.string(), z.string()),
  upper: z.string().transform(parseUpperId),
  upperKind: z.enum(['disk', 'tmpfs', 'btrfs']),
  upperLimitBytes: z.int().positive(),
  owner: z.string(),
  task: z.string(),
  cpu: z.number().positive(),
  memoryMiB: z.int().positive(),
  maxLifetimeSeconds: z.int().nonnegative(),
  allowNet: z.array(z.string()).nullable(),
  nesting: z.boolean(),
  created: z.iso.datetime(),
});

type Migration = (older: Record<string, unknown>) => Record<string, unknown>;

/**
 * How a record of format n becomes one of format n+1. A version that changes the shape adds its step here, and never changes an older one.
 */
const MIGRATIONS: Readonly<Record<number, Migration>> = {
  // 2: snapshots.
  1: (older) => ({ ...older, snapshots: [], restacking: false }),
};

/** @throws Error naming what is wrong, also for a record of a newer version */
export function parseRecord(
  value: unknown,
  migrations: Readonly<Record<number, Migration>> = MIGRATIONS,
): SandboxRecord {
  let record = z.looseObject({ format: z.int().nonnegative() }).parse(value) as Record<string, unknown> & {
    format: number;
  };
  while (record.format < RECORD_FORMAT) {
    const migrate = migrations[record.format];
    if (migrate === undefined) throw new Error(`No step leads on from record format ${record.format}`);
    record = { ...migrate(record), format: record.format + 1 };
  }
  if (record.format > RECORD_FORMAT)
    throw new Error(`The record has format ${record.format}, and this version knows formats up to ${RECORD_FORMAT}`);
  return schema.parse(record);
}
