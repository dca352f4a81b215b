import type { Digest, SandboxLabel, UpperId } from '../../domain/ids.ts';
import type { PublishOptions, UpperOptions } from '../runtime.ts';
import type { MemoryMachine } from './memory-machine.ts';
import type { MiniFiles } from './mini-files.ts';

export interface MemoryUpper {
  readonly options: UpperOptions;
  readonly files: MiniFiles;
  attached: boolean;
}

/** The machine room of the in-memory runtime: what outlives a daemon. Several runtimes, one after the other, may stand over it. */
export class MemoryHost {
  readonly machines = new Map<SandboxLabel, MemoryMachine>();
  readonly uppers = new Map<UpperId, MemoryUpper>();
  /** Layers whose bytes are in the store. */
  readonly stored = new Set<Digest>();
  /** What is in those of them that are captures. */
  readonly captured = new Map<Digest, MiniFiles>();
  readonly attached = new Set<Digest>();
  freeBytes = Number.MAX_SAFE_INTEGER;
  /** Called before each operation with its name: tests make it wait, count or fail. */
  onOperation: (operation: string) => Promise<void> | void = () => {};

  /** Called when a sidecar that was staged gets its name, as the broker does it with the files. */
  onPublish: (staged: string, name: string, options: PublishOptions) => Promise<void> = async () => {};

  /** All power is cut: nothing runs, nothing is mounted, disks keep what they have. */
  reboot(): void {
    for (const machine of this.machines.values()) machine.die();
    this.machines.clear();
    this.attached.clear();
    for (const [id, upper] of this.uppers) {
      upper.attached = false;
      if (upper.options.kind === 'tmpfs') this.uppers.delete(id);
    }
  }
}
