import { createHash } from 'node:crypto';
import { type Digest, parseLayerName, parseSandboxId, parseSnapshotLabel } from '../../src/domain/ids.ts';
import { pinnedOf, type Snapshot } from '../../src/snapshots/snapshot.ts';

/** Bytes of this content. */
export function digestOf(content: string): Digest {
  return createHash('sha256').update(content).digest('hex') as Digest;
}

/** A snapshot as a daemon would write it down: the bytes are those of its names. */
export function snapshotOf(sandbox: string, label: string, parent?: Snapshot): Snapshot {
  return {
    format: 1,
    sandbox: parseSandboxId(sandbox),
    label: parseSnapshotLabel(label),
    digest: digestOf(`${sandbox}/${label}`),
    parent: parent === undefined ? null : pinnedOf(parent),
    layers: [{ name: parseLayerName('000-base'), digest: digestOf('000-base') }],
    env: { LANG: 'C' },
    sizeBytes: 4096,
    pauseMs: 1.5,
    lost: { sockets: 0, accessLists: 0, subsecondTimes: 0, times: 0, attributes: 0 },
    created: '2026-02-13T10:00:00.000Z',
  };
}
