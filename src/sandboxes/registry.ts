import { SandboxError } from '../domain/errors.ts';
import type { Digest, SandboxId, SnapshotLabel } from '../domain/ids.ts';
import type { Sandbox } from './sandbox.ts';

/** Which sandboxes there are, half-made ones too. Synchronous, so that a check and what follows from it cannot be parted. */
export class Registry {
  readonly #sandboxes = new Map<SandboxId, Sandbox>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#sandboxes.size;
  }

  /** Oldest first. */
  all(): readonly Sandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** @throws SANDBOX_NOT_FOUND */
  get(id: SandboxId): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) throw new SandboxError('SANDBOX_NOT_FOUND', `not found: ${id}`);
    return sandbox;
  }

  /** Whether a sandbox was made of the layer with these bytes. */
  pins(digest: Digest): boolean {
    return this.all().some(({ record }) =>
      [...record.layers, ...record.snapshots].some((each) => each.digest === digest),
    );
  }

  /** A sandbox that stands on this snapshot. */
  standingOn(id: SandboxId, label: SnapshotLabel): Sandbox | undefined {
    return this.all().find(({ record }) =>
      record.snapshots.some((snapshot) => snapshot.sandbox === id && snapshot.label === label),
    );
  }

  has(sandbox: Sandbox): boolean {
    return this.#sandboxes.get(sandbox.id) === sandbox;
  }

  /** @throws SANDBOX_EXISTS, SANDBOX_LIMIT */
  checkRoom(id: SandboxId): void {
    if (this.#sandboxes.has(id)) throw new SandboxError('SANDBOX_EXISTS', 'already exists', { details: { id } });
    if (this.#sandboxes.size >= this.#max)
      throw new SandboxError('SANDBOX_LIMIT', `sandbox limit reached (${this.#max})`);
  }

  /** @throws SANDBOX_EXISTS, SANDBOX_LIMIT */
  reserve(sandbox: Sandbox): void {
    this.checkRoom(sandbox.id);
    this.#sandboxes.set(sandbox.id, sandbox);
  }

  /** Takes in what an earlier daemon acknowledged, however many may exist today. */
  admit(sandbox: Sandbox): void {
    this.#sandboxes.set(sandbox.id, sandbox);
  }

  release(sandbox: Sandbox): void {
    if (this.has(sandbox)) this.#sandboxes.delete(sandbox.id);
  }
}
