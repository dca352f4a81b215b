import { join } from 'node:path';
import type { SandboxId } from '../domain/ids.ts';
import type { UpperKind } from '../domain/upper-kind.ts';
import type { Layers } from '../layers/layers.ts';
import type { Log } from '../lib/log.ts';
import { ExecLog, type ExecLogOptions } from '../processes/exec-log.ts';
import type { Runtime, RuntimeStatus } from '../runtime/runtime.ts';
import type { SnapshotStore } from '../snapshots/snapshot-store.ts';
import type { RecordLog } from './record-log.ts';
import type { Registry } from './registry.ts';
import type { Sandbox } from './sandbox.ts';
import type { UpperPool } from './upper-pool.ts';

/** What the life of a sandbox is made with. */
export interface SandboxParts {
  readonly runtime: Runtime;
  /** What the runtime said of itself when the daemon started. */
  readonly status: RuntimeStatus;
  readonly layers: Pick<Layers, 'resolve' | 'acquire' | 'sweep' | 'collect' | 'publishStored' | 'discard'>;
  readonly uppers: Pick<UpperPool, 'take'>;
  readonly records: Pick<RecordLog, 'put' | 'note' | 'remove'>;
  readonly registry: Registry;
  readonly snapshots: SnapshotStore;
  /** The `sandboxes` folder of the state root. */
  readonly dir: string;
  /** Where the bytes of layers and snapshots are, by their digests. */
  readonly imagesDir: string;
  readonly upperKind: UpperKind;
  readonly upperLimitBytes: number;
  readonly captureTimeoutSeconds: number;
  /** Free space of the host under the state root less the reserve, in bytes; negative when the reserve is eaten. */
  readonly spareBytes: () => number;
  readonly execLog: Omit<ExecLogOptions, 'log'>;
  readonly log: Log;
  readonly now: () => Date;
}

export function folderOf(id: SandboxId, parts: Pick<SandboxParts, 'dir'>): string {
  return join(parts.dir, id);
}

/** Opens the log of what runs in a sandbox, and makes its folder when it is missing. */
export async function openLog(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  sandbox.log = await ExecLog.open(join(folderOf(sandbox.id, parts), 'log'), { ...parts.execLog, log: parts.log });
}

/** Holds what a sandbox stands on mounted, by digest. @throws LAYER_NOT_FOUND, LAYER_DAMAGED, SNAPSHOT_DAMAGED */
export async function mountLayers(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  const { layers, snapshots } = sandbox.record;
  sandbox.layers ??= await parts.layers.acquire([...layers, ...snapshots]);
}
