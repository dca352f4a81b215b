import { constants } from 'node:os';
import { SquashClient } from '../client/client.ts';
import { apiUrl, readSettings, type Settings } from '../config/settings.ts';
import { keepSecret } from '../domain/redact.ts';
import type { CliIo, Sink } from './cli-io.ts';
import { writeTo } from './cli-io.ts';
import { withSettingsFile } from './settings-file.ts';
import { DEFAULT_WIDTH } from './table.ts';

const INTERRUPTING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type InterruptSignal = (typeof INTERRUPTING)[number];

/** One call of the CLI: what the commands share. Made without side effects, so that `--help` needs nothing. */
export class Cli implements Disposable {
  readonly io: CliIo;
  /** Exit code of the command that ran. */
  exitCode = 0;
  readonly #listening: (() => void)[] = [];
  #client: SquashClient | undefined;
  #interruptedExitCode: number | undefined;

  constructor(io: CliIo) {
    this.io = io;
  }

  /** @throws SETTINGS_INVALID */
  async settings(): Promise<Settings> {
    const { settings } = readSettings(await withSettingsFile(this.io.env));
    keepSecret(settings.authToken);
    return settings;
  }

  /** The daemon that the settings name. */
  async client(): Promise<SquashClient> {
    if (this.#client === undefined) {
      const settings = await this.settings();
      this.#client = new SquashClient({ baseUrl: apiUrl(settings), token: settings.authToken });
    }
    return this.#client;
  }

  /** Width of tables: the terminal's, else 80. */
  get width(): number {
    return this.io.stdout.isTTY === true ? (this.io.stdout.columns ?? DEFAULT_WIDTH) : DEFAULT_WIDTH;
  }

  async print(lines: readonly string[], sink: Sink = this.io.stdout): Promise<void> {
    if (lines.length > 0) await writeTo(sink, `${lines.join('\n')}\n`);
  }

  async printJson(value: unknown): Promise<void> {
    await this.print([JSON.stringify(value, null, this.io.stdout.isTTY === true ? 2 : undefined)]);
  }

  /** Calls the listener for each signal that ends a program. Until it is disposed, they no longer end this one by themselves. */
  onInterrupt(listener: (name: InterruptSignal) => void): Disposable {
    const listen = (name: NodeJS.Signals): void => listener(name as InterruptSignal);
    for (const name of INTERRUPTING) process.on(name, listen);
    const stop = () => {
      for (const name of INTERRUPTING) process.off(name, listen);
    };
    this.#listening.push(stop);
    return { [Symbol.dispose]: stop };
  }

  /** Aborts on the first of these signals: for work that has something to undo. */
  interruption(): AbortSignal {
    const controller = new AbortController();
    this.onInterrupt((name) => {
      this.#interruptedExitCode ??= 128 + constants.signals[name];
      controller.abort();
    });
    return controller.signal;
  }

  /** 128+n once a signal has aborted an `interruption`. */
  get interruptedExitCode(): number | undefined {
    return this.#interruptedExitCode;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#listening) stop();
    this.#client?.[Symbol.dispose]();
  }
}
