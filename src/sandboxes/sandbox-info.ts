import type { Snapshot } from '../snapshots/snapshot.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxInfo } from './types.ts';

/** A sandbox as the wire shows it. */
export function sandboxInfo(
  sandbox: Sandbox,
  about: { readonly backend: string; readonly usedBytes: number; readonly snapshots: readonly Snapshot[] },
): SandboxInfo {
  const { record } = sandbox;
  return {
    id: sandbox.id,
    owner: record.owner,
    task: record.task,
    layers: record.layers.map((layer) => layer.name),
    created: record.created,
    last_active: sandbox.lastActive.toISOString(),
    mounted: sandbox.state === 'running',
    exec_count: sandbox.log?.lastSeq ?? 0,
    upper_bytes: about.usedBytes,
    snapshots: about.snapshots.map(({ label, created, sizeBytes: size }) => ({ label, created, size })),
    active_snapshot: record.snapshots.at(-1)?.label ?? null,
    cpu: record.cpu,
    memory_mb: record.memoryMiB,
    max_lifetime_s: record.maxLifetimeSeconds,
    allow_net: record.allowNet ?? [],
    network: 'none',
    nesting: record.nesting,
    state: sandbox.state,
    backend: about.backend,
    upper_limit_bytes: record.upperLimitBytes,
    expires: sandbox.expiresAt?.toISOString() ?? null,
  };
}
