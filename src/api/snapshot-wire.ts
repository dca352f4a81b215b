import type { Losses } from '../runtime/runtime.ts';
import type { LostOnWire, SnapshotInfo, SnapshotTaken } from '../sandboxes/types.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';

/** The answer to who took it. */
export function takenOnWire({ label, sizeBytes, pauseMs, lost }: Snapshot): SnapshotTaken {
  return { snapshot: label, size: sizeBytes, pause_ms: pauseMs, lost: lostOnWire(lost) };
}

/** As `/v1` lists it. */
export function snapshotOnWire(snapshot: Snapshot): SnapshotInfo {
  const { label, parent, layers, sizeBytes, digest, created, pauseMs, lost } = snapshot;
  return { label, parent, layers, size: sizeBytes, digest, created, pause_ms: pauseMs, lost: lostOnWire(lost) };
}

function lostOnWire({ sockets, accessLists, subsecondTimes, times, attributes }: Losses): LostOnWire {
  return { sockets, access_lists: accessLists, subsecond_times: subsecondTimes, times, attributes };
}
