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
import { basename, join } from 'node:path';
import { writeAptFiles } from '../../../src/layers/build/apt/apt-files.ts';
import type { DebianSuite, HostDistribution } from '../../../src/layers/build/apt/debian-sources.ts';
import { sourcesForSuite } from '../../../src/layers/build/apt/debian-sources.ts';
import { readHostApt } from '../../../src/layers/build/apt/host-apt.ts';
import { PROJECT_ROOT } from '../project-files.ts';
import { type RunResult, run } from '../run.ts';

/** A folder with a Debian kernel: `vmlinuz`, and below `modules/` what the machine loads, named in the order of loading. */
export type GuestKernel = string;

const PACKAGE = 'linux-image-cloud-amd64';
// Beside what it has built in: the machine's disk and root, what script/lib/setup/kernel.sh asks for, and what no sandbox may reach.
const MODULES = [
  ...['virtio_blk', 'overlay', 'squashfs', 'loop'],
  ...['af_key', 'tipc', 'vsock', 'af_alg', 'xfrm_user', 'nf_tables'],
];
const ROOT = { name: 'root', uid: 0, gid: 0, firstSubordinateUid: 0 };

/**
 * The newest kernel of Debian's backports, from this machine's own package source. It is downloaded once and kept in `build/cache/`.
 *
 * @returns undefined when there is no package source to get it from
 */
export async function guestKernel(): Promise<GuestKernel | undefined> {
  const { sources, distribution } = await readHostApt();
  const suite = suiteFor(distribution);
  const recipe = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 16);
  const kept = join(PROJECT_ROOT, 'build/cache', `guest-kernel-${suite}-${recipe}`);
  if (existsSync(kept)) return kept;
  const work = mkdtempSync(join(tmpdir(), 'kernel-'));
  try {
    // The main archive alone: backports are nowhere else.
    const found = sourcesForSuite(suite, { host: sources, distribution });
    const main = found.sources.filter((source) => source.get('Suites')?.split(' ').includes(suite));
    const backports = main.map((source) =>
      new Map(source).set('Suites', `${suite}-backports`).set('Components', 'main'),
    );
    const archive = await download(work, { ...found, sources: backports });
    if (archive === undefined) return undefined;
    must(['dpkg-deb', '--extract', archive, join(work, 'tree')]);
    mkdirSync(join(PROJECT_ROOT, 'build/cache'), { recursive: true });
    const half = mkdtempSync(`${kept}.`);
    keep(join(work, 'tree'), half);
    renameSync(half, kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** A host that is no Debian gets the kernel of one, as its layers get their packages. */
function suiteFor({ id, codename }: HostDistribution): DebianSuite {
  return id === 'debian' && codename === 'bookworm' ? 'bookworm' : 'trixie';
}

function must(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, stdout, stderr } = run(argv, { env });
  if (status !== 0) throw new Error(`Cannot run ${argv.join(' ')}: ${stderr}`);
  return stdout;
}

type Found = ReturnType<typeof sourcesForSuite>;

/** Path of the kernel's package, got with lists of packages that the host's APT does not see; undefined without a source. */
async function download(work: string, found: Found): Promise<string | undefined> {
  const input = { ...found, options: [], hostLogins: (await readHostApt()).logins };
  const files = await writeAptFiles(work, input, ROOT);
  mkdirSync(join(work, 'lists/partial'), { recursive: true });
  const settings = [
    `Dir::Etc::SourceList=${files.sourcesPath}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${work}/lists`,
    `Dir::Cache=${work}`,
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  const apt = (program: string, ...words: string[]): RunResult =>
    run([program, ...settings, ...words], { cwd: work, env: { ...process.env, APT_CONFIG: files.optionsPath } });
  if (apt('apt-get', '--error-on=any', 'update').status !== 0) return undefined;
  // The package is a name for the newest one.
  const newest = /^ *Depends: (linux-image-[^\s:]+)/m.exec(apt('apt-cache', 'depends', PACKAGE).stdout)?.[1];
  if (newest === undefined || apt('apt-get', 'download', newest).status !== 0) return undefined;
  const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
  return archive && join(work, archive);
}

/** Takes out of the package's tree what a machine needs. */
function keep(tree: string, into: string): void {
  const files = readdirSync(tree, { recursive: true, encoding: 'utf8' });
  const image = files.find((path) => path.startsWith('boot/vmlinuz-'));
  if (image === undefined) throw new Error('Cannot find the kernel in its package');
  copyFileSync(join(tree, image), join(into, 'vmlinuz'));
  mkdirSync(join(into, 'modules'));
  const load = (name: string): void => {
    const packed = files.find((path) => basename(path) === `${name}.ko.xz`);
    const isThere = readdirSync(join(into, 'modules')).some((path) => path.endsWith(`-${name}.ko`));
    // Not a module: built in.
    if (packed === undefined || isThere) return;
    const module = join(into, `${name}.ko`);
    must(['sh', '-c', 'busybox unxz -c "$1" > "$2"', 'sh', join(tree, packed), module]);
    const needs = /\0depends=([^\0]*)/.exec(readFileSync(module, 'latin1'))?.[1] ?? '';
    for (const needed of needs.split(',')) load(needed);
    const place = String(readdirSync(join(into, 'modules')).length).padStart(2, '0');
    renameSync(module, join(into, 'modules', `${place}-${name}.ko`));
  };
  for (const name of MODULES) load(name);
}
