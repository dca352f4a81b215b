import { stat } from 'node:fs/promises';
import { connect, Socket } from 'node:net';
import type { Digest, SandboxLabel, UpperId } from '../../domain/ids.ts';
import type {
  Machine,
  MachineSpec,
  PublishOptions,
  Runtime,
  RuntimeInventory,
  RuntimeStatus,
  UpperOptions,
} from '../runtime.ts';
import { BrokerClient } from './broker-client.ts';
import {
  cloneBody,
  keyBody,
  type LIST_KINDS,
  listBody,
  publishBody,
  startBody,
  upperMakeBody,
} from './broker-frames.ts';
import { NamespaceMachine } from './namespace-machine.ts';

const EMPTY = Buffer.alloc(0);
const ENTRY_BYTES = { sandboxes: 16, uppers: 16, layers: 32 } as const;

export interface NamespaceRuntimeOptions {
  /** The one connection to the broker. */
  readonly broker: Socket;
  /** `/run/squash/<instance>`. */
  readonly runFolder: string;
  /** State root. */
  readonly dataFolder: string;
}

interface Exit {
  readonly promise: Promise<void>;
  readonly settle: () => void;
}

/** The driver that isolates with namespaces: what needs privilege is asked of the broker. */
export class NamespaceRuntime implements Runtime {
  readonly backend = 'chroot';
  readonly lost: Promise<void>;
  readonly #broker: BrokerClient;
  readonly #options: NamespaceRuntimeOptions;
  readonly #exits = new Map<string, Exit>();
  /** To agents. */
  readonly #connections = new Set<Socket>();

  constructor(options: NamespaceRuntimeOptions) {
    this.#options = options;
    this.#broker = new BrokerClient(options.broker, (label) => this.#settleExit(label));
    this.lost = this.#broker.lost;
  }

  async probe(): Promise<RuntimeStatus> {
    await this.#broker.request('probe', EMPTY);
    return { usable: true };
  }

  async ready(): Promise<void> {
    await this.#broker.request('ready', EMPTY);
  }

  async publishLayer(staged: string, name: string, options: PublishOptions): Promise<void> {
    const { size: sidecarBytes } = await stat(`${this.#options.dataFolder}/staging/${staged}.json`);
    await this.#broker.request('publish', publishBody(staged, name, { ...options, sidecarBytes }));
  }

  async attachLayer(digest: Digest): Promise<void> {
    await this.#broker.request('layerAttach', keyBody(digest));
  }

  async detachLayer(digest: Digest): Promise<void> {
    await this.#broker.request('layerDetach', keyBody(digest));
  }

  async removeLayer(digest: Digest): Promise<boolean> {
    const payload = await this.#broker.request('layerRemove', keyBody(digest));
    return payload.readUInt32LE(0) !== 0;
  }

  async makeUpper(id: UpperId, options: UpperOptions): Promise<void> {
    await this.#broker.request('upperMake', upperMakeBody(id, options));
  }

  async attachUpper(id: UpperId): Promise<void> {
    await this.#broker.request('upperAttach', keyBody(id));
  }

  async dropUpper(id: UpperId): Promise<void> {
    await this.#broker.request('upperDrop', keyBody(id));
  }

  async cloneUpper(from: UpperId, to: UpperId, label: SandboxLabel): Promise<{ pauseMs: number }> {
    const payload = await this.#broker.request('upperClone', cloneBody(label, from, to));
    return { pauseMs: Number(payload.readBigUInt64LE(0)) / 1000 };
  }

  async upperUsage(id: UpperId): Promise<{ usedBytes: number; limitBytes: number }> {
    const payload = await this.#broker.request('upperStats', keyBody(id));
    return { usedBytes: Number(payload.readBigUInt64LE(0)), limitBytes: Number(payload.readBigUInt64LE(8)) };
  }

  async start(spec: MachineSpec): Promise<Machine> {
    // Before the request: the machine may end before the answer is read.
    const machine = this.#machine(spec.label);
    try {
      await this.#broker.request('sandboxStart', startBody(spec));
      return machine;
    } catch (error) {
      this.#settleExit(spec.label);
      throw error;
    }
  }

  async adopt(label: SandboxLabel): Promise<Machine | undefined> {
    const running = await this.#list('sandboxes');
    const entry = running.find((candidate) => candidate.toString('hex', 0, 8) === label);
    return entry && entry.readUInt32LE(8) !== 0 ? this.#machine(label) : undefined;
  }

  async stopMachine(label: SandboxLabel): Promise<void> {
    await this.#broker.request('sandboxStop', keyBody(label));
    this.#settleExit(label);
  }

  async inventory(): Promise<RuntimeInventory> {
    const [sandboxes, uppers, layers] = await Promise.all([
      this.#list('sandboxes'),
      this.#list('uppers'),
      this.#list('layers'),
    ]);
    return {
      machines: sandboxes.map((entry) => entry.toString('hex', 0, 8) as SandboxLabel),
      uppers: uppers.map((entry) => entry.toString('hex', 0, 8) as UpperId),
      layers: layers.map((entry) => entry.toString('hex') as Digest),
    };
  }

  /** Commands end, machines run on. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    this.#broker.close();
    await this.#broker.lost;
  }

  /** A machine of this label, and a fresh end of it to wait for. */
  #machine(label: SandboxLabel): NamespaceMachine {
    this.#settleExit(label);
    let settle = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      settle = resolve;
    });
    this.#exits.set(label, { promise, settle });
    return new NamespaceMachine(label, {
      broker: this.#broker,
      connect: () => this.#connectAgent(label),
      exited: promise,
      stop: () => this.stopMachine(label),
    });
  }

  #connectAgent(label: SandboxLabel): Socket {
    const connection = connect({ path: `${this.#options.runFolder}/machines/${label}/sock` });
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
    return connection;
  }

  #settleExit(label: string): void {
    this.#exits.get(label)?.settle();
    this.#exits.delete(label);
  }

  async #list(kind: keyof typeof LIST_KINDS): Promise<Buffer[]> {
    const entries: Buffer[] = [];
    for (;;) {
      const payload = await this.#broker.request('list', listBody(kind, entries.length));
      const total = payload.readUInt32LE(0);
      const count = payload.readUInt32LE(4);
      for (let i = 0; i < count; i++)
        entries.push(payload.subarray(8 + i * ENTRY_BYTES[kind], 8 + (i + 1) * ENTRY_BYTES[kind]));
      if (entries.length >= total || count === 0) return entries;
    }
  }
}

export interface InheritedBroker {
  /** Descriptor of the connection, passed on by the broker when it started this process. */
  readonly brokerFd: number;
  readonly runFolder: string;
  readonly dataFolder: string;
}

export function createNamespaceRuntime({ brokerFd, runFolder, dataFolder }: InheritedBroker): NamespaceRuntime {
  const broker = new Socket({ fd: brokerFd, readable: true, writable: true });
  return new NamespaceRuntime({ broker, runFolder, dataFolder });
}
