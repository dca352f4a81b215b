import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Installation } from '../../support/installation.ts';
import { run } from '../../support/run.ts';
import { buildProbe } from './probe.ts';

/** An installation with the probe in the place of squash-packer: what a packer that hostile files have taken over could do. */
export class PlantedPacker implements AsyncDisposable {
  readonly host: Installation;
  readonly probe: string;

  private constructor(host: Installation, probe: string) {
    this.host = host;
    this.probe = probe;
  }

  /** With a sandbox named `planted`. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<PlantedPacker> {
    const probe = buildProbe();
    chownSync(probe, 0, 0);
    chmodSync(probe, 0o755);
    const layers = { '100-image': fillImage };
    const host = await Installation.start({
      packer: probe,
      layers,
      env: { SQUASH_DEFAULT_LAYERS: '000-base-test,100-image', ...env },
    });
    const planted = new PlantedPacker(host, probe);
    const { status, body } = await host.call('POST', '/cgi-bin/api/sandboxes', { id: 'planted' });
    if (status !== 201) throw new Error(`Cannot create a sandbox: ${JSON.stringify(body)}`);
    await planted.exec('cp /good.squashfs /good');
    return planted;
  }

  async exec(cmd: string): Promise<string> {
    const { body } = await this.host.call('POST', '/cgi-bin/api/sandboxes/planted/exec', { cmd, timeout: 10 });
    return (body as { stdout: string }).stdout;
  }

  /** Has a snapshot taken by a packer that does this. */
  async pack(attempt: string, label = 'planted'): Promise<{ status: number; body: unknown }> {
    await this.exec(`echo '${attempt}' > /attempt`);
    return this.host.call('POST', '/cgi-bin/api/sandboxes/planted/snapshot', { label });
  }

  /** Images that are being made. */
  taken(): readonly string[] {
    return readdirSync(join(this.host.dataFolder, 'modules/.taken'));
  }

  /** How many images there are. */
  stored(): number {
    return readdirSync(join(this.host.dataFolder, 'modules/sha256')).filter((name) => name.endsWith('.squashfs'))
      .length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    rmSync(dirname(this.probe), { recursive: true });
  }
}

/** A squashfs that can be mounted, as a file. */
function fillImage(folder: string): void {
  const work = mkdtempSync(join(tmpdir(), 'good-'));
  mkdirSync(join(work, 'tree'));
  run(['mksquashfs', join(work, 'tree'), join(work, 'good'), '-noappend', '-no-progress', '-quiet']);
  copyFileSync(join(work, 'good'), join(folder, 'good.squashfs'));
  rmSync(work, { recursive: true });
}
