import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INSTALLED } from './installed.ts';
import { PROJECT_ROOT } from './project-files.ts';
import { run } from './run.ts';

export const DEBIAN_BASE = '000-base-debian';

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

function must(argv: readonly string[], env: NodeJS.ProcessEnv = { PATH }): void {
  const { status, stderr } = run(argv, { env });
  if (status !== 0) throw new Error(`Cannot run ${argv.join(' ')}: ${stderr}`);
}

/** Changes when what builds the base does. */
function recipeKey(): string {
  const folder = join(PROJECT_ROOT, 'src/layers/build');
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted())
    if (/^(recipes\/debian|apt\/.*|pack|tar-scan|layer-time)\.ts$/.test(name))
      hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}

/** Builds the base with the command that people use, in a state root of its own. */
function build(into: string): void {
  const work = mkdtempSync(join(tmpdir(), 'base-'));
  const dataFolder = join(work, 'data');
  try {
    must(['chmod', '711', work]);
    must([`${INSTALLED}/node`, `${INSTALLED}/squash.mjs`, 'sq-mkbase', 'debian'], { PATH, SQUASH_DATA: dataFolder });
    const half = mkdtempSync(`${into}.`);
    for (const end of ['squashfs', 'json'])
      copyFileSync(join(dataFolder, `modules/${DEBIAN_BASE}.${end}`), join(half, `layer.${end}`));
    renameSync(half, into);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Publishes the Debian base into a state root. It is built once a checkout and recipe, which takes most of a minute, and kept in
 * `build/cache/`. False when this machine has no package source to build it from.
 */
export function publishDebianBase(dataFolder: string): boolean {
  const kept = join(PROJECT_ROOT, 'build/cache', `debian-base-${recipeKey()}`);
  if (!existsSync(kept)) {
    if (!hasPackageSource()) return false;
    mkdirSync(join(PROJECT_ROOT, 'build/cache'), { recursive: true });
    build(kept);
  }
  for (const end of ['squashfs', 'json'])
    copyFileSync(join(kept, `layer.${end}`), join(dataFolder, `staging/debian-base.${end}`));
  const { sha256 } = JSON.parse(readFileSync(join(kept, 'layer.json'), 'utf8'));
  const publish = ['publish', '--data', dataFolder, 'debian-base', DEBIAN_BASE, '--digest', sha256, '--replace'];
  must([`${INSTALLED}/squash-broker`, ...publish]);
  return true;
}

/** Downloads Debian packages into a folder with the host's own APT; undefined when there is no package source. */
export function downloadPackages(packages: readonly string[], folder: string): boolean {
  return (
    run(['apt-get', '-o', 'APT::Sandbox::User=root', 'download', ...packages], { cwd: folder, env: { PATH } })
      .status === 0
  );
}

export function hasPackageSource(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'packages-'));
  try {
    return downloadPackages(['sensible-utils'], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
