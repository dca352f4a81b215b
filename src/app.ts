import { createServer } from './api/server.ts';
import { listenAddress, type Settings } from './config/settings.ts';
import { SandboxError } from './domain/errors.ts';
import { keepSecret } from './domain/redact.ts';
import { listenPatiently } from './lib/listen-patiently.ts';
import type { Log } from './lib/log.ts';
import { Scope } from './lib/scope.ts';
import { NoRuntime } from './runtime/memory/no-runtime.ts';
import { createNamespaceRuntime } from './runtime/namespace/namespace-runtime.ts';
import type { Runtime } from './runtime/runtime.ts';
import { openInstallation } from './sandboxes/installation.ts';

/** How the broker handed itself over to the daemon that it started. */
export interface BrokerLink {
  readonly fd: number;
  /** `/run/squash/<instance>`. */
  readonly runDir: string;
}

export interface AppOptions {
  readonly settings: Settings;
  /** Absent when no broker started this process. */
  readonly broker: BrokerLink | undefined;
  readonly log: Log;
}

/** The daemon, serving. Disposing it stops serving and lets go of everything; sandboxes run on. */
export interface App extends AsyncDisposable {
  /** Where it listens, as a URL. */
  readonly address: string;
  /** Settles when the broker is gone: there is nothing left to do but to answer so for a while, and to end. */
  readonly lost: Promise<void>;
}

// An older daemon whose broker died goes on answering for 5 seconds.
const LISTEN_PATIENCE_MS = 6000;

/**
 * Puts the daemon together, takes over the sandboxes of the last one, and serves.
 *
 * @throws RUNTIME_UNAVAILABLE, RECORD_DAMAGED, BROKER_GONE, and Node's error when the address cannot be had
 */
export async function startApp({ settings, broker, log }: AppOptions): Promise<App> {
  keepSecret(settings.authToken);
  await using scope = new Scope();
  const runtime = scope.use(createRuntime(settings, broker));
  const installation = scope.use(await openInstallation(runtime, { settings, log }));
  const server = createServer({ ...installation, settings, backend: runtime.backend, log });
  scope.defer(() => server.close());
  const endpoint = { port: settings.port, host: listenAddress(settings) };
  const address = await listenPatiently(() => server.listen(endpoint), { patienceMs: LISTEN_PATIENCE_MS });
  warnWhenOpen(settings, log);
  await runtime.ready();
  const held = scope.move();
  return { address, lost: runtime.lost, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
}

/** The one place where a backend becomes a driver. */
function createRuntime(settings: Settings, broker: BrokerLink | undefined): Runtime {
  if (settings.backend === 'memory') return new NoRuntime();
  if (broker === undefined)
    throw new SandboxError('RUNTIME_UNAVAILABLE', 'Cannot start the daemon: no squash-broker started it', {
      hint: 'Use script/squashd as root; or SQUASH_BACKEND=memory, which needs no root and runs no sandbox',
    });
  return createNamespaceRuntime({ brokerFd: broker.fd, runFolder: broker.runDir, dataFolder: settings.dataDir });
}

const LOOPBACK = /^(?:127\.|::1$|localhost$)/;

function warnWhenOpen(settings: Settings, log: Log): void {
  const host = listenAddress(settings);
  if (settings.authToken !== '' || LOOPBACK.test(host)) return;
  log.warn({ host }, 'Everyone who reaches this address can run commands: set SQUASH_AUTH_TOKEN');
}
