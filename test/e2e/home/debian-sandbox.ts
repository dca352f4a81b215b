import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SquashClient } from '../../../src/client/client.ts';
import type { ExecResult } from '../../../src/sandboxes/types.ts';
import { DEBIAN_BASE, publishDebianBase } from '../../support/debian-base.ts';
import { type FillLayer, publishFixture } from '../../support/fixture-layers.ts';
import { Installation } from '../../support/installation.ts';
import { INSTALLED } from '../../support/installed.ts';

/** Node as this project runs on it, in `/usr/local/bin`. */
export const fillNode: FillLayer = (folder) => {
  const program = join(folder, 'usr/local/bin/node');
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync(`${INSTALLED}/node`, program);
};

/** One sandbox over a real Debian, and what tests of real programs need of it. */
export class DebianSandbox implements AsyncDisposable {
  readonly host: Installation;
  readonly client: SquashClient;

  private constructor(host: Installation) {
    this.host = host;
    this.client = new SquashClient({ baseUrl: host.url, token: '' });
  }

  /** Undefined when there is no package source to build the base from. */
  static async start(layers: Readonly<Record<string, FillLayer>> = {}): Promise<DebianSandbox | undefined> {
    const host = await Installation.start({ env: { SQUASH_UPPER_LIMIT_MB: '128' } });
    const sandbox = new DebianSandbox(host);
    try {
      if (!publishDebianBase(host.dataFolder)) {
        await sandbox[Symbol.asyncDispose]();
        return undefined;
      }
      for (const [name, fill] of Object.entries(layers)) publishFixture(host.dataFolder, name, fill);
      await sandbox.client.create({ id: 'home', layers: [DEBIAN_BASE, ...Object.keys(layers)], memory_mb: 512 });
      return sandbox;
    } catch (error) {
      await sandbox[Symbol.asyncDispose]();
      throw error;
    }
  }

  exec(cmd: string): Promise<ExecResult> {
    return this.client.exec('home', { cmd });
  }

  /** What a command prints; throws unless it ends with 0 and says nothing on stderr. */
  async says(cmd: string): Promise<string> {
    const { exit_code, stdout, stderr } = await this.exec(cmd);
    if (exit_code !== 0 || stderr !== '') throw new Error(`${cmd}: exit code ${exit_code}\n${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.host[Symbol.asyncDispose]();
  }
}
