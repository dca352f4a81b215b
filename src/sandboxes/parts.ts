import { join } from 'node:path';
import type { SandboxId } from '../domain/ids.ts';
import type { Layers } from '../layers/layers.ts';
import type { Log } from '../lib/log.ts';
import { ExecLog, type ExecLogOptions } from '../processes/exec-log.ts';
import type { Runtime, RuntimeStatus } from '../runtime/runtime.ts';
import type { RecordLog } from './record-log.ts';
import type { Registry } from './registry.ts';
import type { Sandbox } from './sandbox.ts';
import type { UpperPool } from './upper-pool.ts';

/** What the life of a sandbox is made with. */
export interface SandboxParts {
  readonly runtime: Runtime;
  /** What the runtime said of itself when the daemon started. */
  readonly status: RuntimeStatus;
  readonly layers: Pick<Layers, 'resolve' | 'acquire' | 'sweep' | 'collect'>;
  readonly uppers: Pick<UpperPool, 'take'>;
  readonly records: Pick<RecordLog, 'put' | 'note' | 'remove'>;
  readonly registry: Registry;
  /** The `sandboxes` folder of the state root. */
  readonly dir: string;
  readonly upperKind: 'disk' | 'tmpfs';
  readonly upperLimitBytes: number;
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

/** Holds the layers of a sandbox mounted, by the digests that it was made of. @throws LAYER_NOT_FOUND, LAYER_DAMAGED */
export async function mountLayers(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  sandbox.layers ??= await parts.layers.acquire(sandbox.record.layers);
}
