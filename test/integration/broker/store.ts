import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INSTALLED } from '../../support/installed.ts';
import { type RunResult, run } from '../../support/run.ts';

export interface Staged {
  /** Name in staging/, without its ends. */
  readonly name: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

export function idOf(flag: '-u' | '-g', user: string): number {
  return Number(run(['id', flag, user]).stdout);
}

/** A state root with a store and no broker that serves it: what `squash-broker publish` works on. */
export class Store implements Disposable {
  readonly dataFolder: string;
  #staged = 0;

  constructor() {
    this.dataFolder = realpathSync(mkdtempSync(join(tmpdir(), 'store-')));
    chmodSync(this.dataFolder, 0o711);
    // Refuses, but makes the folders with their owners first.
    this.publish({ name: 'none', digest: '0'.repeat(64) }, '000-none');
  }

  path(...parts: string[]): string {
    return join(this.dataFolder, ...parts);
  }

  /** Stages bytes and a sidecar that names their digest, as a builder does. */
  stage(bytes: Buffer = randomBytes(40_000), options: { sidecar?: string } = {}): Staged {
    const name = `build-${++this.#staged}`;
    const digest = createHash('sha256').update(bytes).digest('hex');
    const image = this.path('staging', `${name}.squashfs`);
    const sidecar = this.path('staging', `${name}.json`);
    writeFileSync(image, bytes);
    writeFileSync(sidecar, options.sidecar ?? JSON.stringify({ format: 1, sha256: digest, size: bytes.length }));
    for (const path of [image, sidecar]) chownSync(path, idOf('-u', 'squash'), idOf('-g', 'squash'));
    return { name, digest, bytes };
  }

  #command({ name, digest }: Pick<Staged, 'name' | 'digest'>, layer: string, replace: boolean): string[] {
    const words = ['publish', '--data', this.dataFolder, name, layer, '--digest', digest];
    return [`${INSTALLED}/squash-broker`, ...words, ...(replace ? ['--replace'] : [])];
  }

  publish(staged: Pick<Staged, 'name' | 'digest'>, layer: string, options: { replace?: boolean } = {}): RunResult {
    return run(this.#command(staged, layer, options.replace ?? false));
  }

  /** The same, killed after so many milliseconds. @returns whether it was killed before it had ended. */
  async publishKilled(staged: Staged, layer: string, afterMs: number): Promise<boolean> {
    const [program = '', ...words] = this.#command(staged, layer, true);
    const child = spawn(program, words, { stdio: 'ignore' });
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
    const [, signal] = await ended;
    clearTimeout(timer);
    return signal === 'SIGKILL';
  }

  stored(digest: string): string {
    return this.path('modules', 'sha256', `${digest}.squashfs`);
  }

  /** Whether the name points to exactly these bytes, whole, as root's read-only file. */
  holds(layer: string, { digest, bytes }: Staged): boolean {
    const sidecar = this.path('modules', `${layer}.json`);
    const { uid, mode } = statSync(this.stored(digest));
    return (
      readFileSync(sidecar, 'utf8').includes(digest) &&
      readFileSync(this.stored(digest)).equals(bytes) &&
      readFileSync(this.path('modules', `${layer}.squashfs`)).equals(bytes) &&
      uid === 0 &&
      (mode & 0o7777) === 0o440
    );
  }

  /** Names of layers, by their sidecars. */
  names(): string[] {
    return readdirSync(this.path('modules'))
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .map((name) => name.slice(0, -'.json'.length));
  }

  [Symbol.dispose](): void {
    rmSync(this.dataFolder, { recursive: true, force: true });
  }
}
