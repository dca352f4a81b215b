import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Digest, parseDigest, parseLayerName } from '../../src/domain/ids.ts';
import type { Sidecar } from '../../src/layers/sidecar.ts';
import { INSTALLED } from './installed.ts';
import { run } from './run.ts';

/** Fills a folder with what the layer shall hold. */
export type FillLayer = (folder: string) => void;

function must(argv: readonly string[]): string {
  const { status, stdout, stderr } = run(argv);
  if (status !== 0) throw new Error(`Cannot run ${argv.join(' ')}: ${stderr}`);
  return stdout;
}

/** A root file system of Debian's static busybox: every command of it, and the folders that a system has. */
export function fillBusyboxBase(folder: string): void {
  for (const name of ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'etc', 'root', 'tmp', 'var/tmp', 'home'])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync('/bin/busybox', join(folder, 'bin/busybox'));
  for (const path of must(['/bin/busybox', '--list-full']).trim().split('\n')) {
    const link = join(folder, path);
    if (link.endsWith('/busybox')) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync('/bin/busybox', link);
  }
  writeFileSync(
    join(folder, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  );
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\ntty:x:5:\nnobody:x:65534:\n');
  must(['chmod', '1777', join(folder, 'tmp'), join(folder, 'var/tmp')]);
}

/** Builds a layer and publishes it as root's command line does, without a running daemon. */
export function publishFixture(dataFolder: string, name: string, fill: FillLayer): Digest {
  const work = mkdtempSync(join(tmpdir(), 'layer-'));
  try {
    const staged = `fixture-${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')}`;
    const image = join(dataFolder, 'staging', `${staged}.squashfs`);
    const tree = join(work, 'tree');
    mkdirSync(tree, { mode: 0o755 });
    fill(tree);
    mkdirSync(join(dataFolder, 'staging'), { recursive: true });
    must([
      'mksquashfs',
      tree,
      image,
      '-comp',
      'zstd',
      '-Xcompression-level',
      '1',
      '-noappend',
      '-no-progress',
      '-quiet',
    ]);
    const bytes = readFileSync(image);
    const digest = parseDigest(createHash('sha256').update(bytes).digest('hex'));
    const sidecar: Sidecar = {
      format: 1,
      name: parseLayerName(name),
      sha256: digest,
      size: bytes.length,
      arch: 'any',
      libc: 'none',
      recipe: 'fixture',
      packages: {},
      env: {},
    };
    writeFileSync(join(dataFolder, 'staging', `${staged}.json`), JSON.stringify(sidecar));
    must([
      `${INSTALLED}/squash-broker`,
      'publish',
      '--data',
      dataFolder,
      staged,
      name,
      '--digest',
      digest,
      '--replace',
    ]);
    return digest;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
