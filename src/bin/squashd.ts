import { pino } from 'pino';
import { type App, type BrokerLink, startApp } from '../app.ts';
import { readSettings } from '../config/settings.ts';
import { SandboxError } from '../domain/errors.ts';
import { redact } from '../domain/redact.ts';

// What a supervisor reads from the exit status: wrong settings and damaged records do not get better by trying again.
const STOPPED = 0;
const FAILED = 1;
const HOPELESS = 2;

// With the broker gone, clients are told so for a while; then the whole is to be started again.
const FAREWELL_MS = 4500;
// Under the broker's patience with a daemon that it asked to stop.
const STOP_MS = 8000;

// A reader that went away must not take the daemon with it.
process.stderr.on('error', () => {});
const log = pino(
  { base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
  {
    write: (line: string) => void process.stderr.write(`${redact(line.trimEnd())}\n`),
  },
);

function linkFrom(env: NodeJS.ProcessEnv): BrokerLink | undefined {
  const { SQUASH_BROKER_FD: fd, SQUASH_RUN: runDir } = env;
  return fd === undefined || runDir === undefined ? undefined : { fd: Number(fd), runDir };
}

/** What a person can mend is said to a person; what may be a defect is logged with its stack. */
function fail(error: unknown, message: string): never {
  if (!(error instanceof SandboxError) || error.kind === 'internal') log.error({ err: error }, message);
  if (error instanceof SandboxError) {
    const hint = error.hint === undefined ? '' : `\n${error.hint}`;
    process.stderr.write(`squashd: ${error.message}${hint}\n`);
  }
  const isHopeless = error instanceof SandboxError && ['SETTINGS_INVALID', 'RECORD_DAMAGED'].includes(error.code);
  process.exit(isHopeless ? HOPELESS : FAILED);
}

async function start(): Promise<App> {
  const { settings, unknown } = readSettings(process.env);
  if (unknown.length > 0) log.warn({ unknown }, 'Nothing reads these settings');
  const app = await startApp({ settings, broker: linkFrom(process.env), log });
  log.info({ address: app.address, dataDir: settings.dataDir, backend: settings.backend }, 'Serving');
  return app;
}

async function stop(app: App): Promise<never> {
  setTimeout(() => fail(new Error(`Not stopped after ${STOP_MS} ms`), 'Cannot stop'), STOP_MS).unref();
  try {
    await app[Symbol.asyncDispose]();
  } catch (error) {
    fail(error, 'Cannot stop cleanly');
  }
  process.exit(STOPPED);
}

process.on('uncaughtException', (error) => fail(error, 'Ended by a defect'));
process.umask(0o077);
const app = await start().catch((error: unknown) => fail(error, 'Cannot start'));
let isStopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    // Whoever asks twice does not want to wait.
    if (isStopping) process.exit(FAILED);
    isStopping = true;
    log.info({ signal }, 'Stopping; sandboxes run on');
    void stop(app);
  });
void app.lost.then(() => {
  if (isStopping) return;
  log.error({}, 'The broker is gone');
  setTimeout(() => process.exit(FAILED), FAREWELL_MS);
});
