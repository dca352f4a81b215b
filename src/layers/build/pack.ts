import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SandboxError } from '../../domain/errors.ts';
import { Child } from './child.ts';
import { type Account, confinedLine } from './launch.ts';
import { LAYER_TIME_SECONDS } from './layer-time.ts';
import { requireSuccess } from './run.ts';
import { TarScan, type TarWatcher } from './tar-scan.ts';

// mksquashfs says this of the entry "./", whose attributes -root-mode and its like give; everything else it says is a loss.
const HARMLESS_LINE = 'Empty tar filename after skipping leading /, ./, or ../, ignoring';

export interface PackOptions {
  /** The program that writes the tar; its name is used in errors. */
  readonly source: Child;
  readonly sourceName: string;
  /** Where the image is made: a file that does not exist yet, in a folder that `account` may write. */
  readonly imagePath: string;
  readonly account: Account;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Packs a tar into a squashfs image without it ever lying on a disk. Same tar, same bytes.
 * Security: the packer reads foreign data, so it runs as `account` and cannot gain privilege.
 * @throws TOOL_FAILED; LAYER_BUILD_FAILED for every warning: mksquashfs leaves out what it cannot store and still ends with 0
 */
export async function packLayer(watcher: TarWatcher, options: PackOptions): Promise<void> {
  const { source, sourceName, signal, env } = options;
  await using packer = new Child(confinedLine(options.account, packLine(options.imagePath)), 'mksquashfs', {
    input: 'pipe',
    env,
    signal,
  });
  const failure = await feed(source, { scan: new TarScan(watcher), input: packer.stdin });
  const [packed, read] = await Promise.all([packer.ended, source.ended]);
  // Who failed first has the reason; the others only saw a pipe break.
  if (failure?.side === 'packer') requireSuccess('mksquashfs', packed);
  if (failure?.side === 'source' && read.exitCode !== 128 + constants.signals.SIGPIPE) requireSuccess(sourceName, read);
  if (failure !== undefined) throw failure.error;
  requireSuccess(sourceName, read);
  requireSuccess('mksquashfs', packed);
  const warning = packed.lines.find((line) => line.trim() !== '' && line !== HARMLESS_LINE);
  if (warning !== undefined)
    throw new SandboxError('LAYER_BUILD_FAILED', `Cannot pack everything: mksquashfs says "${warning}"`);
}

/** Where the way from source to packer broke. */
interface Break {
  readonly side: 'source' | 'packer';
  readonly error: unknown;
}

/** Pipes the archive to the packer, which closes its input as soon as it has read the end: what is padding may then be refused. */
async function feed(source: Child, packer: { scan: TarScan; input: Writable }): Promise<Break | undefined> {
  const { scan, input } = packer;
  let refused: Error | undefined;
  input.on('error', (error) => {
    refused ??= error;
  });
  try {
    await pipeline(source.stdout, scan, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        if (!input.write(chunk) && !input.destroyed) await drained(input);
        if (refused !== undefined && !scan.hasEnded) throw refused;
      }
    });
    input.end();
    return undefined;
  } catch (error) {
    input.destroy();
    return { side: error === refused ? 'packer' : 'source', error };
  }
}

/** Resolves when there is room again, or never will be. */
function drained(input: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      input.off('drain', done).off('close', done);
      resolve();
    };
    input.on('drain', done).on('close', done);
  });
}

/** zstd at level 3: 0.8 s for a Debian base of 247 MB, where the default level 15 takes 11 s for a tenth less. */
function packLine(imagePath: string): string[] {
  const time = String(LAYER_TIME_SECONDS);
  return [
    ...['mksquashfs', '-', imagePath, '-tar', '-noappend', '-quiet', '-no-progress'],
    ...['-comp', 'zstd', '-Xcompression-level', '3'],
    ...['-root-mode', '755', '-root-uid', '0', '-root-gid', '0', '-all-time', time, '-mkfs-time', time],
  ];
}
