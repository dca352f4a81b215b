import type { LayerMade } from '../client/wire.ts';
import type { LostOnWire, SnapshotInfo, SnapshotTaken } from '../sandboxes/types.ts';
import type { TableOptions } from './sandbox-tables.ts';
import { formatTable } from './table.ts';
import { formatBytes, formatDuration, formatSpan } from './units.ts';

export function snapshotsTable(snapshots: readonly SnapshotInfo[], { width, now }: TableOptions): string[] {
  const rows = snapshots.map((snapshot) => [
    snapshot.label,
    snapshot.parent?.label ?? '',
    formatBytes(snapshot.size),
    formatSpan((now.getTime() - Date.parse(snapshot.created)) / 1000),
    lostText(snapshot.lost),
  ]);
  const columns = [
    { title: 'SNAPSHOT', minWidth: 12 },
    { title: 'STANDS ON', minWidth: 9 },
    { title: 'SIZE', align: 'right' },
    { title: 'AGE', align: 'right' },
    { title: 'LOST', minWidth: 4 },
  ] as const;
  return formatTable(columns, rows, width);
}

/** What came of a snapshot, in one line. */
export function takenLine({ snapshot, size, pause_ms, lost }: SnapshotTaken): string {
  const losses = lostText(lost);
  const behind = losses === '' ? '' : `; not in it: ${losses}`;
  return `${snapshot}: ${formatBytes(size)}, the sandbox stood still for ${formatDuration(Math.round(pause_ms))}${behind}`;
}

/** What came of a layer that was made of what somebody wrote. */
export function madeLine({ name, size }: LayerMade): string {
  return `${name}: ${formatBytes(size)}`;
}

/** Fractions of a second are lost of nearly every file, and missed by nobody. */
function lostText({ sockets, access_lists, times, attributes }: LostOnWire): string {
  const counts = [
    [sockets, 'socket'],
    [access_lists, 'access list'],
    [times, 'time'],
    [attributes, 'attribute'],
  ] as const;
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}${count === 1 ? '' : 's'}`)
    .join(', ');
}
