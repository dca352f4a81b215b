import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createServer } from '../../src/api/server.ts';
import type { ApiSettings } from '../../src/api/services.ts';
import { parseLayerName } from '../../src/domain/ids.ts';
import type { Log } from '../../src/lib/log.ts';
import type { Sandboxes } from '../../src/sandboxes/sandboxes.ts';
import type { ExecResult } from '../../src/sandboxes/types.ts';
import { createRequest, SandboxWorld } from './sandbox-world.ts';

/** Layers of every memory API, base first. */
export const MEMORY_LAYERS = ['000-base', '100-tools'] as const;

/** A listening API over sandboxes in memory. A test that wants to steer replaces a method of `sandboxes`. */
export interface MemoryApi extends AsyncDisposable {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly sandboxes: Sandboxes;
  /** Everything that the API logged as an error. */
  readonly errors: readonly { readonly fields: object; readonly message: string }[];
}

export interface MemoryApiOptions extends Partial<ApiSettings> {
  readonly maxSandboxes?: number;
  /** 0 = any free one. */
  readonly port?: number;
  /** Layers beside those that are always there. */
  readonly layers?: readonly string[];
}

export async function startMemoryApi(options: MemoryApiOptions = {}): Promise<MemoryApi> {
  const { maxSandboxes = 100, port = 0, layers = [], ...settings } = options;
  const errors: { fields: object; message: string }[] = [];
  const log: Log = {
    info: () => {},
    warn: () => {},
    error: (fields, message) => void errors.push({ fields, message }),
  };
  const world = await SandboxWorld.make({ maxSandboxes });
  for (const name of layers) await world.publish(name);
  const { sandboxes, installation, runtime } = await world.start();
  const app = createServer({
    sandboxes,
    layers: installation.layers,
    settings: { authToken: '', hosts: [], defaultLayers: [parseLayerName('000-base-alpine')], ...settings },
    backend: runtime.backend,
    log,
  });
  await app.listen({ host: '127.0.0.1', port });
  const { port: listening } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${listening}`,
    app,
    sandboxes,
    errors,
    async [Symbol.asyncDispose]() {
      await app.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** Puts a sandbox into it. */
export async function createSandboxIn({ sandboxes }: Pick<MemoryApi, 'sandboxes'>, id: string): Promise<void> {
  await sandboxes.create(createRequest(id, { layers: MEMORY_LAYERS.map(parseLayerName), memoryMiB: 64 }));
}

/** A result with these parts. */
export function execResult(part: Partial<ExecResult> = {}): ExecResult {
  const at = '2026-02-13T10:00:00.000Z';
  const done = { exit_code: 0, timed_out: false, truncated: false, stdout: '', stderr: '' };
  return { seq: 1, cmd: 'true', workdir: '/', started: at, finished: at, duration_ms: 4, ...done, ...part };
}
