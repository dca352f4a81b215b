import type { Socket } from 'node:net';
import type { SandboxLabel } from '../../domain/ids.ts';
import { execOverAgent } from '../agent/exec.ts';
import { readFileOverAgent } from '../agent/read-file.ts';
import { writeFileOverAgent, writeTarOverAgent } from '../agent/write-file.ts';
import type {
  Capture,
  CaptureOptions,
  ExecOptions,
  ExecRequest,
  FileRead,
  Machine,
  MachineProcess,
  MachineStats,
  RestackOptions,
  Stack,
} from '../runtime.ts';
import type { BrokerClient } from './broker-client.ts';
import { captureBody, keyBody, killBody, parseCapture, restackBody } from './broker-frames.ts';

export interface NamespaceMachineOptions {
  readonly broker: BrokerClient;
  /** Opens a connection to its agent. */
  readonly connect: () => Socket;
  readonly exited: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A machine of the `namespace` driver: its agent listens on a socket in the run folder, everything else is the broker's. */
export class NamespaceMachine implements Machine {
  readonly label: SandboxLabel;
  readonly exited: Promise<void>;
  readonly stop: () => Promise<void>;
  readonly #broker: BrokerClient;
  readonly #connect: () => Socket;
  /** What freezes the whole sandbox: one at a time. */
  #freezing: Promise<unknown> = Promise.resolve();

  constructor(label: SandboxLabel, options: NamespaceMachineOptions) {
    this.label = label;
    this.exited = options.exited;
    this.stop = options.stop;
    this.#broker = options.broker;
    this.#connect = options.connect;
  }

  exec(request: ExecRequest, options: ExecOptions): Promise<MachineProcess> {
    return execOverAgent(this.#connect, request, options);
  }

  killTree(supervisorPid: number | undefined): Promise<{ escalated: boolean }> {
    return this.#inTurn(async () => {
      const payload = await this.#broker.request('killTree', killBody(this.label, supervisorPid));
      return { escalated: payload.readUInt32LE(4) !== 0 };
    });
  }

  restack(stack: Stack, options?: RestackOptions): Promise<void> {
    return this.#inTurn(async () => {
      await this.#broker.request('restack', restackBody(this.label, stack, options));
    });
  }

  readFile(path: string): Promise<FileRead> {
    return readFileOverAgent(this.#connect, path);
  }

  writeFile(path: string, content: AsyncIterable<Uint8Array>, options: { mode: number }): Promise<void> {
    return writeFileOverAgent(this.#connect, path, { content, mode: options.mode });
  }

  writeTar(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    return writeTarOverAgent(this.#connect, path, content);
  }

  async stats(): Promise<MachineStats> {
    const payload = await this.#broker.request('stats', keyBody(this.label));
    const number = (index: number): number => Number(payload.readBigUInt64LE(8 * index));
    return {
      memoryBytes: number(0),
      memoryPeakBytes: number(1),
      oomKills: number(2),
      pids: number(3),
      cpuMicros: number(4),
    };
  }

  capture(options: CaptureOptions): Promise<Capture> {
    return this.#inTurn(async () =>
      parseCapture(await this.#broker.request('capture', captureBody(this.label, options))),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#freezing.then(work);
    this.#freezing = result.catch(() => undefined);
    return result;
  }
}
