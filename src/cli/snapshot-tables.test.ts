import { expect, test } from 'vitest';
import type { LostOnWire, SnapshotInfo } from '../sandboxes/types.ts';
import { snapshotsTable, takenLine } from './snapshot-tables.ts';

const NOTHING: LostOnWire = { sockets: 0, access_lists: 0, subsecond_times: 7, times: 0, attributes: 0 };

function snapshotOf(label: string, changes: Partial<SnapshotInfo> = {}): SnapshotInfo {
  const created = '2026-02-13T10:00:00Z';
  return { label, parent: null, layers: [], size: 4096, digest: '', created, pause_ms: 1, lost: NOTHING, ...changes };
}

test('snapshotsTable() shows what stands on what, and what is missing', () => {
  const lines = snapshotsTable(
    [
      snapshotOf('s1'),
      snapshotOf('s2', { parent: { sandbox: 'dev', label: 's1' }, lost: { ...NOTHING, sockets: 2, times: 1 } }),
    ],
    { width: 80, now: new Date('2026-02-13T10:02:00Z') },
  );
  expect(lines.map((line) => line.trimEnd().split(/ {2,}/))).toEqual([
    ['SNAPSHOT', 'STANDS ON', 'SIZE', 'AGE', 'LOST'],
    ['s1', '4 KiB', '2 min'],
    ['s2', 's1', '4 KiB', '2 min', '2 sockets, 1 time'],
  ]);
});

test('takenLine() says how large it is, how long the pause was, and what is not in it', () => {
  const taken = { snapshot: 's1', size: 4096, pause_ms: 12.4, lost: NOTHING };
  expect(takenLine(taken)).toBe('s1: 4 KiB, the sandbox stood still for 12 ms');
  expect(takenLine({ ...taken, lost: { ...NOTHING, access_lists: 1 } })).toContain('; not in it: 1 access list');
});
