import { createHash } from 'node:crypto';
import { SandboxError } from '../../domain/errors.ts';
import type { Digest, SandboxLabel, UpperId } from '../../domain/ids.ts';
import type {
  Capture,
  CaptureOptions,
  Machine,
  MachineSpec,
  PublishOptions,
  Runtime,
  RuntimeInventory,
  RuntimeStatus,
  Stack,
  UpperOptions,
} from '../runtime.ts';
import type { MemoryHost, MemoryUpper } from './memory-host.ts';
import { MemoryMachine } from './memory-machine.ts';
import { MiniFiles } from './mini-files.ts';

/** A runtime for tests: keeps the port's promises without isolating anything. The contract suite holds it to them. */
export class MemoryRuntime implements Runtime {
  readonly backend = 'memory';
  readonly #host: MemoryHost;
  readonly #lost = Promise.withResolvers<void>();
  readonly lost = this.#lost.promise;
  #gone = false;

  constructor(host: MemoryHost) {
    this.#host = host;
  }

  async probe(): Promise<RuntimeStatus> {
    return { usable: true };
  }

  async ready(): Promise<void> {
    await this.#begin('ready');
  }

  async publishLayer(staged: string, name: string, options: PublishOptions): Promise<void> {
    await this.#begin('publishLayer');
    if (this.#host.stored.has(options.digest) && !options.replace && !options.isStored)
      throw new SandboxError('LAYER_EXISTS', `Cannot publish layer "${name}": it is there already`);
    await this.#host.onPublish(staged, name, options);
    this.#host.stored.add(options.digest);
  }

  async attachLayer(digest: Digest): Promise<void> {
    await this.#begin('attachLayer');
    if (!this.#host.stored.has(digest)) throw new SandboxError('LAYER_NOT_FOUND', `not found: layer ${digest}`);
    this.#host.attached.add(digest);
  }

  async detachLayer(digest: Digest): Promise<void> {
    await this.#begin('detachLayer');
    this.#host.attached.delete(digest);
  }

  async removeLayer(digest: Digest): Promise<boolean> {
    await this.#begin('removeLayer');
    if (this.#host.attached.has(digest)) return false;
    this.#host.stored.delete(digest);
    return true;
  }

  async makeUpper(id: UpperId, options: UpperOptions): Promise<void> {
    await this.#begin('makeUpper');
    if (this.#host.uppers.has(id)) throw new SandboxError('START_FAILED', `Cannot make upper ${id}: it exists`);
    if (this.#host.freeBytes - options.sizeBytes < options.reserveBytes)
      throw new SandboxError('NO_SPACE', 'no space for a writable layer');
    this.#host.uppers.set(id, { options, files: new MiniFiles(options.sizeBytes), attached: true });
    this.#host.freeBytes -= options.sizeBytes;
  }

  async attachUpper(id: UpperId): Promise<void> {
    await this.#begin('attachUpper');
    this.#upper(id).attached = true;
  }

  async dropUpper(id: UpperId): Promise<void> {
    await this.#begin('dropUpper');
    this.#refuseInUse(id);
    const upper = this.#host.uppers.get(id);
    if (upper !== undefined && this.#host.uppers.delete(id)) this.#host.freeBytes += upper.options.sizeBytes;
  }

  async cloneUpper(from: UpperId, to: UpperId): Promise<{ readonly pauseMs: number }> {
    await this.#begin('cloneUpper');
    const { options, files } = this.#upper(from);
    if (options.kind !== 'btrfs')
      throw new SandboxError('START_FAILED', `Cannot clone upper ${from}: it is on ${options.kind}`);
    this.#host.uppers.set(to, { options, files: MiniFiles.merged([files], options.sizeBytes), attached: true });
    return { pauseMs: 0 };
  }

  async upperUsage(id: UpperId): Promise<{ readonly usedBytes: number; readonly limitBytes: number }> {
    await this.#begin('upperUsage');
    const upper = this.#upper(id);
    return { usedBytes: upper.files.usedBytes, limitBytes: upper.options.sizeBytes };
  }

  async start(spec: MachineSpec): Promise<Machine> {
    await this.#begin('start');
    const files = this.#filesOf(spec);
    if (this.#host.machines.has(spec.label))
      throw new SandboxError('START_FAILED', `Cannot start machine ${spec.label}: it exists`);
    this.#refuseInUse(spec.upper);
    const machine = new MemoryMachine(spec, files);
    this.#host.machines.set(spec.label, machine);
    return this.#hold(machine);
  }

  async adopt(label: SandboxLabel): Promise<Machine | undefined> {
    await this.#begin('adopt');
    const machine = this.#host.machines.get(label);
    return machine?.alive === true ? this.#hold(machine) : undefined;
  }

  async stopMachine(label: SandboxLabel): Promise<void> {
    await this.#begin('stopMachine');
    this.#host.machines.get(label)?.die();
    this.#host.machines.delete(label);
  }

  async inventory(): Promise<RuntimeInventory> {
    await this.#begin('inventory');
    return {
      machines: [...this.#host.machines.keys()],
      uppers: [...this.#host.uppers.keys()],
      layers: [...this.#host.attached],
    };
  }

  /** As when the broker dies: nothing works any more, and machines go on. */
  lose(): void {
    this.#gone = true;
    this.#lost.resolve();
  }

  /** Commands are bound to the daemon that started them; machines are not. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone = true;
    for (const machine of this.#host.machines.values()) for (const command of machine.commands) command.lose();
  }

  #hold(machine: MemoryMachine): Machine {
    machine.onStop = () => this.stopMachine(machine.label);
    machine.onCapture = (options) => this.#capture(options);
    machine.onRestack = async (stack) => {
      await this.#begin('restack');
      this.#refuseInUse(stack.upper, machine);
      return this.#filesOf(stack);
    };
    return machine;
  }

  #filesOf(stack: Stack): MiniFiles {
    const missing = stack.layers.find((digest) => !this.#host.attached.has(digest));
    if (missing !== undefined) throw new SandboxError('LAYER_NOT_FOUND', `not found: layer ${missing}`);
    const upper = this.#upper(stack.upper);
    if (!upper.attached) throw new SandboxError('START_FAILED', `Cannot use upper ${stack.upper}: not attached`);
    upper.files.standOn(this.#captured(stack.layers));
    return upper.files;
  }

  #captured(layers: readonly Digest[]): MiniFiles[] {
    return layers.map((digest) => this.#host.captured.get(digest)).filter((files) => files !== undefined);
  }

  async #capture({ upper, layers, of }: CaptureOptions): Promise<Capture> {
    await this.#begin('capture');
    const uppers = of === 'layers' ? [] : [this.#upper(upper).files];
    const files = MiniFiles.merged([...uppers, ...this.#captured(layers)]);
    const text = JSON.stringify(files.below('/'));
    const digest = createHash('sha256').update(text).digest('hex') as Digest;
    this.#host.stored.add(digest);
    this.#host.captured.set(digest, files);
    const lost = { sockets: 0, accessLists: 0, subsecondTimes: 0, times: 0, attributes: 0 };
    return { digest, sizeBytes: text.length, pauseMs: 0, lost };
  }

  #upper(id: UpperId): MemoryUpper {
    const upper = this.#host.uppers.get(id);
    if (upper === undefined) throw new SandboxError('START_FAILED', `Cannot use upper ${id}: its data is gone`);
    return upper;
  }

  #refuseInUse(id: UpperId, except?: MemoryMachine): void {
    for (const machine of this.#host.machines.values())
      if (machine.alive && machine.upper === id && machine !== except)
        throw new SandboxError('START_FAILED', `Cannot use upper ${id}: a machine has it`);
  }

  async #begin(operation: string): Promise<void> {
    await this.#host.onOperation(operation);
    if (this.#gone) throw new SandboxError('BROKER_GONE', 'broker gone');
  }
}
