import type { SnapshotLabel } from '../domain/ids.ts';

/** `YYYYMMDD-HHMMSS` in UTC (contract §8), with `-2`, `-3` … behind it when that is taken. */
export function automaticLabel(now: Date, isTaken: (label: SnapshotLabel) => boolean): SnapshotLabel {
  const base = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  let label = base as SnapshotLabel;
  for (let n = 2; isTaken(label); n++) label = `${base}-${n}` as SnapshotLabel;
  return label;
}
