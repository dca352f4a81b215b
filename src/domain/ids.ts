import { createHash, randomBytes } from 'node:crypto';
import { SandboxError } from './errors.ts';

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** Name of a sandbox, chosen by its creator (contract §3). */
export type SandboxId = Branded<string, 'SandboxId'>;
/** Name of a layer, `NNN-name` (contract §3). */
export type LayerName = Branded<string, 'LayerName'>;
/** Name of a snapshot, unique within its sandbox (contract §3). */
export type SnapshotLabel = Branded<string, 'SnapshotLabel'>;
/** 64 hex digits of SHA-256. */
export type Digest = Branded<string, 'Digest'>;
/** 16 hex digits: what kernel objects of a sandbox are named after. */
export type SandboxLabel = Branded<string, 'SandboxLabel'>;
/** 16 hex digits, random: name of a writable layer. */
export type UpperId = Branded<string, 'UpperId'>;

const SANDBOX_ID = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?$/;
const LAYER_NAME = /^[0-9]{3}-[A-Za-z0-9_.-]{1,124}$/;
const SNAPSHOT_LABEL = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;
const HEX_16 = /^[0-9a-f]{16}$/;
const HEX_64 = /^[0-9a-f]{64}$/;

/** @throws INVALID_ARGUMENT */
export function parseSandboxId(value: unknown): SandboxId {
  if (value === undefined || value === null || value === '') throw new SandboxError('INVALID_ARGUMENT', 'id required');
  if (typeof value !== 'string' || !SANDBOX_ID.test(value))
    throw new SandboxError('INVALID_ARGUMENT', 'invalid id: 1 to 64 of A-Z a-z 0-9 _ and -, with no - at either end');
  return value as SandboxId;
}

/** @throws INVALID_ARGUMENT */
export function parseSnapshotLabel(value: unknown): SnapshotLabel {
  if (value === undefined || value === null || value === '')
    throw new SandboxError('INVALID_ARGUMENT', 'label required');
  if (typeof value !== 'string' || !SNAPSHOT_LABEL.test(value) || value.includes('..'))
    throw new SandboxError(
      'INVALID_ARGUMENT',
      'invalid label: 1 to 128 of A-Z a-z 0-9 _ . -, with no . in front and no two side by side',
    );
  return value as SnapshotLabel;
}

/** Whether a string could name a sandbox; a path segment that cannot is simply not found. */
export function isSandboxId(value: string): value is SandboxId {
  return SANDBOX_ID.test(value);
}

/** @throws INVALID_ARGUMENT */
export function parseLayerName(value: unknown): LayerName {
  if (typeof value !== 'string' || !LAYER_NAME.test(value) || value.includes('..'))
    throw new SandboxError(
      'INVALID_ARGUMENT',
      `invalid layer name "${String(value)}": three digits, -, then 1 to 124 of A-Z a-z 0-9 _ . -`,
    );
  return value as LayerName;
}

/** @throws INVALID_ARGUMENT */
export function parseDigest(value: unknown): Digest {
  if (typeof value !== 'string' || !HEX_64.test(value))
    throw new SandboxError('INVALID_ARGUMENT', `invalid digest "${String(value)}": 64 hex digits`);
  return value as Digest;
}

/** @throws INVALID_ARGUMENT */
export function parseUpperId(value: unknown): UpperId {
  if (typeof value !== 'string' || !HEX_16.test(value))
    throw new SandboxError('INVALID_ARGUMENT', `invalid upper "${String(value)}": 16 hex digits`);
  return value as UpperId;
}

/** Kernel names have 15 to 255 characters and no owner: a hash of the id fits every one of them. */
export function labelOf(id: SandboxId): SandboxLabel {
  return createHash('sha256').update(id).digest('hex').slice(0, 16) as SandboxLabel;
}

/** A fresh name for a writable layer. */
export function newUpperId(): UpperId {
  return randomBytes(8).toString('hex') as UpperId;
}
