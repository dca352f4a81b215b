import type { LayersService, SandboxesService } from '../../src/api/services.ts';
import { checkEgress } from '../../src/domain/egress.ts';
import { SandboxError } from '../../src/domain/errors.ts';
import { type LayerName, labelOf, newUpperId, type SandboxId } from '../../src/domain/ids.ts';
import { MemoryMachine } from '../../src/runtime/memory/memory-machine.ts';
import { MiniFiles } from '../../src/runtime/memory/mini-files.ts';
import type { ExecOptions, ExecRequest, FileRead, MachineProcess } from '../../src/runtime/runtime.ts';
import type { CreateRequest, ExecCall, ExecResult, SandboxInfo } from '../../src/sandboxes/types.ts';

interface FakeSandbox {
  readonly info: SandboxInfo;
  readonly machine: MemoryMachine;
  readonly logs: ExecResult[];
}

const NOW = '2026-02-13T10:00:00Z';
const UPPER_BYTES = 64 * 1024 * 1024;

/**
 * Sandboxes without records, limits, timeouts or recovery, for tests that need to see and to steer what the API asks for:
 * `calls` holds what came in, an `on…` stands in for the operation of its name, `machineOf` gives the machine.
 */
export class FakeSandboxes implements SandboxesService {
  readonly calls: { readonly name: string; readonly request: unknown }[] = [];
  onExec: ((call: ExecCall, signal: AbortSignal) => Promise<Partial<ExecResult>>) | undefined;
  onSpawn: ((request: ExecRequest, options: ExecOptions) => Promise<MachineProcess>) | undefined;
  onReadFile: ((path: string) => Promise<FileRead>) | undefined;
  limit = 100;
  readonly #layers: ReadonlySet<string>;
  readonly #all = new Map<SandboxId, FakeSandbox>();

  constructor(layers: Iterable<LayerName>) {
    this.#layers = new Set(layers);
  }

  machineOf(id: SandboxId): MemoryMachine {
    const sandbox = this.#all.get(id);
    if (sandbox === undefined) throw new SandboxError('SANDBOX_NOT_FOUND', `not found: ${id}`);
    return sandbox.machine;
  }

  async create(request: CreateRequest): Promise<SandboxInfo> {
    this.calls.push({ name: 'create', request });
    checkEgress(request.allowNet);
    if (this.#all.has(request.id)) throw new SandboxError('SANDBOX_EXISTS', 'already exists');
    const missing = request.layers.find((name) => !this.#layers.has(name));
    if (missing !== undefined) throw new SandboxError('LAYER_NOT_FOUND', `not found: ${missing}`);
    if (this.#all.size >= this.limit) throw new SandboxError('SANDBOX_LIMIT', `sandbox limit reached (${this.limit})`);
    const label = labelOf(request.id);
    const limits = { cpuCount: request.cpu, memoryBytes: request.memoryMiB * 1024 * 1024, pidsMax: 1024 };
    const spec = { label, hostname: request.id, layers: [], upper: newUpperId(), limits, nesting: request.nesting };
    const info = infoOf(request);
    this.#all.set(request.id, { info, machine: new MemoryMachine(spec, new MiniFiles(UPPER_BYTES)), logs: [] });
    return info;
  }

  async list(): Promise<SandboxInfo[]> {
    return [...this.#all.values()].map(({ info }) => info);
  }

  async info(id: SandboxId): Promise<SandboxInfo> {
    this.machineOf(id);
    return this.#all.get(id)?.info as SandboxInfo;
  }

  async destroy(id: SandboxId): Promise<void> {
    this.machineOf(id).die();
    this.#all.delete(id);
  }

  async exec(id: SandboxId, call: ExecCall, { signal }: { readonly signal: AbortSignal }): Promise<ExecResult> {
    const machine = this.machineOf(id);
    this.calls.push({ name: 'exec', request: call });
    const { cmd, workdir } = call;
    const logs = this.#all.get(id)?.logs ?? [];
    const seq = logs.length + 1;
    const done = { exit_code: 0, duration_ms: 4, timed_out: false, truncated: false, stdout: '', stderr: '' };
    const part = await (this.onExec?.(call, signal) ?? runOn(machine, call));
    const result = { seq, cmd, workdir, started: NOW, finished: NOW, ...done, ...part };
    logs.push(result);
    return result;
  }

  async logs(id: SandboxId): Promise<ExecResult[]> {
    this.machineOf(id);
    return this.#all.get(id)?.logs ?? [];
  }

  async spawn(id: SandboxId, request: ExecRequest, options: ExecOptions): Promise<MachineProcess> {
    return this.onSpawn?.(request, options) ?? this.machineOf(id).exec(request, options);
  }

  async readFile(id: SandboxId, path: string): Promise<FileRead> {
    return this.onReadFile?.(path) ?? this.machineOf(id).readFile(path);
  }

  async writeFile(
    id: SandboxId,
    path: string,
    content: AsyncIterable<Uint8Array>,
    options: { mode: number },
  ): Promise<void> {
    await this.machineOf(id).writeFile(path, content, options);
  }

  async writeTar(id: SandboxId, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.machineOf(id).writeTar(path, content);
  }

  count(): number {
    return this.#all.size;
  }
}

/** A store that holds these layers. */
export function fakeLayers(names: readonly LayerName[]): LayersService {
  return {
    list: async () => names.map((name) => ({ name, size: 4096, location: 'local' })),
    hasBase: async () => names.some((name) => name.startsWith('000-')),
  };
}

async function runOn(machine: MemoryMachine, { cmd, workdir }: ExecCall): Promise<Partial<ExecResult>> {
  const output = { stdout: '', stderr: '' };
  const request = { argv: ['/bin/sh', '-c', cmd], env: {}, workdir, uid: 0, gid: 0, groups: [], stdin: false };
  const onOutput: ExecOptions['onOutput'] = (stream, data) => {
    output[stream] += data.toString();
  };
  await using process = await machine.exec({ ...request, forwardLimitBytes: 0 }, { onOutput });
  return { exit_code: (await process.exited).exitCode, ...output };
}

function infoOf(request: CreateRequest): SandboxInfo {
  return {
    id: request.id,
    owner: request.owner,
    task: request.task,
    layers: request.layers,
    created: NOW,
    last_active: NOW,
    mounted: true,
    exec_count: 0,
    upper_bytes: 0,
    snapshots: [],
    active_snapshot: null,
    cpu: request.cpu,
    memory_mb: request.memoryMiB,
    max_lifetime_s: request.maxLifetimeSeconds,
    allow_net: request.allowNet ?? [],
    network: 'none',
    nesting: request.nesting,
    state: 'running',
    backend: 'memory',
    upper_limit_bytes: UPPER_BYTES,
    expires: null,
  };
}
