import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Installation, type InstallationOptions } from '../../support/installation.ts';
import { buildProbe, probeLayer } from './probe.ts';

export interface CommandResult {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An installation whose sandboxes hold the probe. */
export class HostileInstallation implements AsyncDisposable {
  readonly #installation: Installation;
  readonly probe: string;

  private constructor(installation: Installation, probe: string) {
    this.#installation = installation;
    this.probe = probe;
  }

  static async start(options: InstallationOptions = {}): Promise<HostileInstallation> {
    const probe = buildProbe();
    const layers = { '200-probe': probeLayer(probe), ...options.layers };
    const env = { SQUASH_DEFAULT_LAYERS: ['000-base-test', ...Object.keys(layers)].join(','), ...options.env };
    return new HostileInstallation(await Installation.start({ ...options, layers, env }), probe);
  }

  get host(): Installation {
    return this.#installation;
  }

  async create(id: string, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { status, body } = await this.#installation.call('POST', '/cgi-bin/api/sandboxes', { id, ...fields });
    if (status !== 201) throw new Error(`Cannot create sandbox "${id}": ${JSON.stringify(body)}`);
  }

  async exec(id: string, cmd: string): Promise<CommandResult> {
    const { status, body } = await this.#installation.call('POST', `/cgi-bin/api/sandboxes/${id}/exec`, { cmd });
    if (status !== 200) throw new Error(`Cannot run ${cmd}: ${JSON.stringify(body)}`);
    return body as CommandResult;
  }

  /** What the probe is answered as root of the sandbox. */
  async answer(id: string, words: readonly string[]): Promise<string> {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const { exit_code, stdout, stderr } = await this.exec(id, `/probe ${quoted}`);
    if (exit_code !== 0) throw new Error(`Cannot run the probe: ${exit_code} ${stderr}`);
    return stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#installation[Symbol.asyncDispose]();
    rmSync(dirname(this.probe), { recursive: true });
  }
}
