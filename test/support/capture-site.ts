import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run as runCommand } from '../contracts/machine-commands.ts';
import { type Digest, labelOf, newUpperId, parseSandboxId, type UpperId } from '../../src/domain/ids.ts';
import type { Capture, Machine, UpperOptions } from '../../src/runtime/runtime.ts';
import { type FillLayer, fillBusyboxBase, publishFixture } from './fixture-layers.ts';
import { RelayedBroker } from './relayed-broker.ts';
import { run } from './run.ts';
import { buildStaticProgram } from './static-program.ts';

const MIB = 1024 * 1024;

export interface CaptureSiteOptions {
  /** Lies on the busybox base, under everything that is captured. */
  readonly fill?: FillLayer;
  readonly upper?: Partial<UpperOptions>;
  readonly timeoutSeconds?: number;
}

/** A machine over busybox and the program `/tree` (`test/support/tree`), whose writable layer is captured and put back. */
export class CaptureSite implements AsyncDisposable {
  readonly broker: RelayedBroker;
  readonly dataFolder: string;
  /** That lie under everything, top first. */
  readonly layers: readonly Digest[];
  machine!: Machine;
  upper!: UpperId;
  readonly #options: CaptureSiteOptions;

  private constructor(
    broker: RelayedBroker,
    dataFolder: string,
    layers: readonly Digest[],
    options: CaptureSiteOptions,
  ) {
    this.broker = broker;
    this.dataFolder = dataFolder;
    this.layers = layers;
    this.#options = options;
  }

  static async start(options: CaptureSiteOptions = {}): Promise<CaptureSite> {
    const dataFolder = mkdtempSync(join(tmpdir(), 'capture-'));
    run(['chmod', '711', dataFolder]);
    const program = buildStaticProgram(join(import.meta.dirname, 'tree'));
    const base = publishFixture(dataFolder, '000-base-test', (folder) => {
      fillBusyboxBase(folder);
      copyFileSync(program, join(folder, 'tree'));
    });
    rmSync(dirname(program), { recursive: true });
    const { fill } = options;
    const layers = fill === undefined ? [base] : [publishFixture(dataFolder, '100-below', fill), base];
    const site = new CaptureSite(await RelayedBroker.start(dataFolder), dataFolder, layers, options);
    await site.#startMachine();
    return site;
  }

  async #startMachine(): Promise<void> {
    const { runtime } = this.broker;
    for (const digest of this.layers) await runtime.attachLayer(digest);
    this.upper = await this.#makeUpper();
    this.machine = await runtime.start({
      label: labelOf(parseSandboxId('site')),
      hostname: 'site',
      layers: this.layers,
      upper: this.upper,
      limits: { cpuCount: 2, memoryBytes: 2048 * MIB, pidsMax: 64 },
      nesting: false,
      etc: 'keep',
    });
  }

  async #makeUpper(): Promise<UpperId> {
    const id = newUpperId();
    const standard = { kind: 'disk', sizeBytes: 64 * MIB, reserveBytes: 0, sparse: true } as const;
    await this.broker.runtime.makeUpper(id, { ...standard, ...this.#options.upper });
    return id;
  }

  /** What a shell line prints; throws unless it ends with 0. */
  async sh(line: string): Promise<string> {
    const { stdout, stderr, exitCode } = await runCommand(this.machine, `set -e; ${line}`);
    if (exitCode !== 0) throw new Error(`${line}: exit code ${exitCode}\n${stdout}${stderr}`);
    return stdout;
  }

  /** What is there, a line each file. Sockets, which no capture keeps, are left out. */
  async walk(folder: string): Promise<readonly string[]> {
    const lines = (await this.sh(`/tree walk ${folder}`)).trimEnd().split('\n');
    return lines.filter((line) => !/^\S* 14[0-7]{4} /.test(line));
  }

  /** @param layers right below the upper, captured with it as one, top first */
  capture(layers: readonly Digest[] = []): Promise<Capture> {
    const { timeoutSeconds = 60 } = this.#options;
    return this.machine.capture({ upper: this.upper, of: 'upper', layers, timeoutSeconds });
  }

  /** An empty writable layer over these captures, top first. */
  async restore(...captures: readonly Digest[]): Promise<void> {
    for (const digest of captures) await this.broker.runtime.attachLayer(digest);
    const upper = await this.#makeUpper();
    await this.machine.restack(
      { layers: [...new Set([...captures, ...this.layers])], upper },
      { takeRoot: captures.length > 0 },
    );
    await this.broker.runtime.dropUpper(this.upper);
    this.upper = upper;
  }

  /** The file of a capture, out here. */
  image(digest: Digest): string {
    return join(this.dataFolder, 'modules/sha256', `${digest}.squashfs`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
    rmSync(this.dataFolder, { recursive: true });
  }
}
