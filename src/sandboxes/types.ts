import type { LayerName, SandboxId, UpperId } from '../domain/ids.ts';
import type { PinnedLayer, PinnedSnapshot } from '../domain/pinned-layer.ts';
import type { UpperKind } from '../domain/upper-kind.ts';

/** How a sandbox's life stands (contract §8). */
export type SandboxState = 'creating' | 'running' | 'paused' | 'stopped' | 'failed' | 'destroying';

/** What a client asks for, parsed and complete: defaults are filled in at the edge. */
export interface CreateRequest {
  readonly id: SandboxId;
  readonly layers: readonly LayerName[];
  readonly owner: string;
  readonly task: string;
  readonly cpu: number;
  readonly memoryMiB: number;
  /** 0 = never expires. */
  readonly maxLifetimeSeconds: number;
  /** As the client wrote it; undefined when it was left out. */
  readonly allowNet: readonly string[] | undefined;
  readonly nesting: boolean;
}

/**
 * The durable description of a sandbox. Written before any resource exists, so that a daemon that starts after a crash knows what to look for.
 * `format` is the version of this shape.
 */
export interface SandboxRecord {
  readonly format: 2;
  readonly id: SandboxId;
  readonly state: 'creating' | 'running' | 'destroying';
  /** Lowest first. */
  readonly layers: readonly PinnedLayer[];
  /** What lies between the layers and the upper, lowest first: the snapshot that was restored, and those that it stands on. */
  readonly snapshots: readonly PinnedSnapshot[];
  /** Its machine may have another root file system than this record says: it is to be started anew. */
  readonly restacking: boolean;
  /** Environment of its commands, as its layers gave it. */
  readonly env: Readonly<Record<string, string>>;
  readonly upper: UpperId;
  readonly upperKind: UpperKind;
  readonly upperLimitBytes: number;
  readonly owner: string;
  readonly task: string;
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly maxLifetimeSeconds: number;
  readonly allowNet: readonly string[] | null;
  readonly nesting: boolean;
  /** RFC 3339 UTC. */
  readonly created: string;
}

/** Sandbox info on the wire (contract §2); names are interface. */
export interface SandboxInfo {
  readonly id: string;
  readonly owner: string;
  readonly task: string;
  readonly layers: readonly string[];
  readonly created: string;
  readonly last_active: string;
  readonly mounted: boolean;
  readonly exec_count: number;
  readonly upper_bytes: number;
  readonly snapshots: readonly { readonly label: string; readonly created: string; readonly size: number }[];
  readonly active_snapshot: string | null;
  readonly cpu: number;
  readonly memory_mb: number;
  readonly max_lifetime_s: number;
  readonly allow_net: readonly string[];
  readonly network: 'none';
  readonly nesting: boolean;
  readonly state: SandboxState;
  readonly backend: string;
  readonly upper_limit_bytes: number;
  readonly expires: string | null;
}

/** On the wire (contract §1): files of which a snapshot could not hold everything, by what it was. */
export interface LostOnWire {
  readonly sockets: number;
  readonly access_lists: number;
  readonly subsecond_times: number;
  readonly times: number;
  readonly attributes: number;
}

/** Answer to a snapshot (contract §1); names are interface. */
export interface SnapshotTaken {
  readonly snapshot: string;
  readonly size: number;
  readonly pause_ms: number;
  readonly lost: LostOnWire;
}

/** A snapshot as `/v1` lists it. Unstable. */
export interface SnapshotInfo {
  readonly label: string;
  /** What it stands on. */
  readonly parent: { readonly sandbox: string; readonly label: string } | null;
  readonly layers: readonly { readonly name: string; readonly digest: string }[];
  readonly size: number;
  readonly digest: string;
  readonly created: string;
  readonly pause_ms: number;
  readonly lost: LostOnWire;
}

/** One command of the `/cgi-bin` surface, parsed. */
export interface ExecCall {
  readonly cmd: string;
  readonly workdir: string;
  readonly timeoutSeconds: number;
}

/** Exec result on the wire (contract §2); names are interface. */
export interface ExecResult {
  readonly seq: number;
  readonly cmd: string;
  readonly workdir: string;
  readonly exit_code: number;
  readonly started: string;
  readonly finished: string;
  readonly duration_ms: number;
  readonly timed_out: boolean;
  readonly truncated: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly oom?: true;
  readonly interrupted?: true;
}
