import type { Losses } from '../runtime/runtime.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';

/** What a snapshot could not hold, on the wire; names are interface. */
export function lossesOnWire({ sockets, accessLists, subsecondTimes, times, attributes }: Losses) {
  return { sockets, access_lists: accessLists, subsecond_times: subsecondTimes, times, attributes };
}

/** A snapshot as `/v1` lists it. Unstable. */
export function snapshotOnWire(snapshot: Snapshot) {
  const { parent } = snapshot;
  return {
    label: snapshot.label,
    parent: parent && { sandbox: parent.sandbox, label: parent.label },
    layers: snapshot.layers,
    size: snapshot.sizeBytes,
    digest: snapshot.digest,
    created: snapshot.created,
    pause_ms: snapshot.pauseMs,
    lost: lossesOnWire(snapshot.lost),
  };
}
