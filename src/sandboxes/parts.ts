import { join } from 'node:path';
import type { SandboxId } from '../domain/ids.ts';
import type { Layers } from '../layers/layers.ts';
import type { Log } from '../lib/log.ts';
import { ExecLog, type ExecLogOptions } from '../processes/exec-log.ts';
import type { Runtime, RuntimeStatus } from '../runtime/runtime.ts';
import type { RecordLog } from './record-log.ts';
import type { Registry } from './registry.ts';
import type { UpperPool } from './upper-pool.ts';

/** What the life of a sandbox is made with. */
export interface SandboxParts {
  readonly runtime: Runtime;
  /** What the runtime said of itself when the daemon started. */
  readonly status: RuntimeStatus;
  readonly layers: Pick<Layers, 'resolve' | 'acquire' | 'sweep'>;
  readonly uppers: Pick<UpperPool, 'take'>;
  readonly records: Pick<RecordLog, 'put' | 'remove'>;
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

/** Opens the log of what ran in a sandbox, and makes its folder when it is missing. */
export function openExecLog(id: SandboxId, parts: Pick<SandboxParts, 'dir' | 'execLog' | 'log'>): ExecLog {
  return new ExecLog(join(folderOf(id, parts), 'log'), { ...parts.execLog, log: parts.log });
}
