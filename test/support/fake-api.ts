import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createServer } from '../../src/api/server.ts';
import type { ApiSettings } from '../../src/api/services.ts';
import { type LayerName, parseLayerName, type SandboxId } from '../../src/domain/ids.ts';
import type { Log } from '../../src/lib/log.ts';
import { FakeSandboxes, fakeLayers } from './fake-sandboxes.ts';

export const FAKE_LAYERS = ['000-base-fixture', '100-tool'].map(parseLayerName);

/** A listening API over fake sandboxes. */
export interface FakeApi extends AsyncDisposable {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly sandboxes: FakeSandboxes;
  /** Everything that was logged as an error. */
  readonly errors: { readonly fields: object; readonly message: string }[];
}

export interface FakeApiOptions {
  readonly layers?: readonly LayerName[];
  readonly port?: number;
}

export async function startFakeApi(
  settings: Partial<ApiSettings> = {},
  options: FakeApiOptions = {},
): Promise<FakeApi> {
  const { layers = FAKE_LAYERS, port: wantedPort = 0 } = options;
  const errors: FakeApi['errors'] = [];
  const log: Log = {
    info: () => {},
    warn: () => {},
    error: (fields, message) => void errors.push({ fields, message }),
  };
  const sandboxes = new FakeSandboxes(layers);
  const app = createServer({
    sandboxes,
    layers: fakeLayers(layers),
    settings: { authToken: '', hosts: [], defaultLayers: [parseLayerName('000-base-alpine')], ...settings },
    backend: 'memory',
    log,
  });
  await app.listen({ host: '127.0.0.1', port: wantedPort });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, app, sandboxes, errors, [Symbol.asyncDispose]: () => app.close() };
}

/** Puts a sandbox into it. */
export async function createFakeSandbox({ sandboxes }: FakeApi, id: SandboxId): Promise<void> {
  const limits = { cpu: 1, memoryMiB: 64, maxLifetimeSeconds: 0 };
  const request = { id, layers: FAKE_LAYERS, owner: 'anon', task: '', allowNet: undefined, nesting: false };
  await sandboxes.create({ ...request, ...limits });
}
