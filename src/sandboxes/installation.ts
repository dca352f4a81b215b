import { statfsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { machine } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { Layers } from '../layers/layers.ts';
import type { Log } from '../lib/log.ts';
import { Scope } from '../lib/scope.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { SnapshotStore } from '../snapshots/snapshot-store.ts';
import { type OpenedRecordLog, RecordLog } from './record-log.ts';
import { Registry } from './registry.ts';
import { Sandboxes } from './sandboxes.ts';
import { UpperPool } from './upper-pool.ts';

const MIB = 1024 * 1024;
/** Exec results of one sandbox (contract §5). */
const EXEC_LOG_MAX_BYTES = 64 * MIB;
const LAYER_LINGER_MS = 5000;

export type InstallationSettings = Pick<
  Settings,
  | 'dataDir'
  | 'maxSandboxes'
  | 'upper'
  | 'upperLimitMiB'
  | 'upperSparse'
  | 'readyUppers'
  | 'diskReserveMiB'
  | 'logMax'
  | 'captureTimeoutSeconds'
>;

export interface InstallationOptions {
  readonly settings: InstallationSettings;
  readonly log: Log;
  readonly now?: () => Date;
}

/** One state root, opened. Disposing it lets go of everything but the sandboxes: those run on, for the next daemon to take over. */
export interface Installation extends AsyncDisposable {
  readonly layers: Layers;
  readonly sandboxes: Sandboxes;
}

/**
 * Opens a state root and takes over, or clears away, what an earlier daemon left in it.
 *
 * @throws RECORD_DAMAGED, BROKER_GONE
 */
export async function openInstallation(runtime: Runtime, options: InstallationOptions): Promise<Installation> {
  const { settings, log, now = () => new Date() } = options;
  const dir = join(settings.dataDir, 'sandboxes');
  const upperLimitBytes = settings.upperLimitMiB * MIB;
  await using scope = new Scope();
  const { log: recordLog, records } = await openRecords(settings.dataDir);
  scope.use(recordLog);
  const registry = new Registry(settings.maxSandboxes);
  const snapshots = await SnapshotStore.open(dir, log);
  const layers = scope.use(
    new Layers(runtime, {
      isPinned: (digest) => registry.pins(digest) || snapshots.pins(digest),
      dir: join(settings.dataDir, 'modules'),
      stagingDir: join(settings.dataDir, 'staging'),
      hostArch: machine(),
      lingerMs: LAYER_LINGER_MS,
      log,
    }),
  );
  const uppers = scope.use(
    new UpperPool(runtime, {
      kind: settings.upper,
      sizeBytes: upperLimitBytes,
      reserveBytes: settings.diskReserveMiB * MIB,
      sparse: settings.upperSparse,
      ready: settings.readyUppers,
      freeBytes: () => freeBytes(settings.dataDir),
      log,
    }),
  );
  const status = await runtime.probe();
  const sandboxes = new Sandboxes({
    runtime,
    status,
    layers,
    uppers,
    records: recordLog,
    registry,
    snapshots,
    dir,
    imagesDir: join(settings.dataDir, 'modules', 'sha256'),
    upperKind: settings.upper,
    upperLimitBytes,
    captureTimeoutSeconds: settings.captureTimeoutSeconds,
    spareBytes: () => freeBytes(settings.dataDir) - settings.diskReserveMiB * MIB,
    execLog: { maxEntries: settings.logMax, maxBytes: EXEC_LOG_MAX_BYTES },
    log,
    now,
  });
  scope.use(sandboxes);
  if (status.usable) {
    await sandboxes.recover(records);
    uppers.start();
  }
  const held = scope.move();
  return { layers, sandboxes, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
}

async function openRecords(dataDir: string): Promise<OpenedRecordLog> {
  const [state, sandboxes] = [join(dataDir, 'state'), join(dataDir, 'sandboxes')];
  await mkdir(state, { recursive: true, mode: 0o700 });
  await mkdir(sandboxes, { recursive: true, mode: 0o750 });
  const mayBeNew = (await readdir(sandboxes)).length === 0;
  return RecordLog.open(join(state, 'sandboxes.jsonl'), { mayBeNew });
}

/** Free for the daemon, not for root: what is reserved for root is no room for a sandbox. */
function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
