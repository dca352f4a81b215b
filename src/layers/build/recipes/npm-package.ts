import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SandboxError } from '../../../domain/errors.ts';
import { Child } from '../child.ts';
import { launchLine, launchLineAs } from '../launch.ts';
import type { RecipeContext } from '../recipe.ts';
import { requireSuccess, run } from '../run.ts';

/** A package of npm's registry, pinned by what is in it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-…` of the tarball, as a lockfile has it. */
  readonly integrity: string;
}

/**
 * Fetches a package with the caller's own npm, so that its configuration decides the registry, and verifies it. Nothing of the package runs.
 * @throws LAYER_BUILD_FAILED when npm fails or the bytes are other than the recipe's
 */
export async function fetchNpmPackage(pinned: NpmPackage, context: RecipeContext): Promise<Buffer> {
  const spec = `${pinned.name}@${pinned.version}`;
  context.progress.step(`fetching ${spec}`);
  const printed = await run(launchLine(['npm', 'pack', spec, '--ignore-scripts', '--silent']), 'npm pack', {
    // The caller's environment: npm's settings live in it and in the home that it names.
    env: {
      ...Object.fromEntries(
        Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
      ),
      // npm would leave its compiled code in the caller's temporary folder.
      NODE_DISABLE_COMPILE_CACHE: '1',
    },
    cwd: context.work.rootPath,
    signal: context.signal,
  });
  const file = printed.trim().split('\n').at(-1) ?? '';
  if (!/^[\w.-]+\.tgz$/.test(file))
    throw new SandboxError('LAYER_BUILD_FAILED', `Cannot fetch ${spec}: npm pack names no file`);
  const tarball = await readFile(join(context.work.rootPath, file));
  verifyIntegrity(tarball, pinned);
  return tarball;
}

/** @throws LAYER_BUILD_FAILED */
export function verifyIntegrity(tarball: Buffer, pinned: NpmPackage): void {
  const wanted = Buffer.from(pinned.integrity.replace(/^sha512-/, ''), 'base64');
  const found = createHash('sha512').update(tarball).digest();
  if (wanted.length !== found.length || !timingSafeEqual(wanted, found))
    throw new SandboxError(
      'LAYER_BUILD_FAILED',
      `Cannot use ${pinned.name}@${pinned.version}: its sha512 is not the one that this recipe pins`,
    );
}

/** Unpacks a package's files into a folder as the build user. @param options.members below `package/` */
export async function unpackNpmPackage(
  tarball: Buffer,
  folder: string,
  options: { readonly context: RecipeContext; readonly members: readonly string[] },
): Promise<void> {
  const { user, env, signal } = options.context;
  const asUser = (command: string[]) => launchLineAs(user, command);
  await run(asUser(['mkdir', '-p', folder]), 'mkdir', { env, signal });
  const members = options.members.map((member) => `package/${member}`);
  // The modes are the package's (-p), whatever the umask; owners are the packer's business.
  const command = ['tar', '-xzp', '--no-same-owner', '--strip-components=1', '-C', folder, ...members];
  await using child = new Child(asUser(command), 'tar', { input: 'pipe', env, signal });
  const written = pipeline([tarball], child.stdin).catch((error: unknown) => error);
  requireSuccess('tar', await child.ended);
  const failure = await written;
  if (failure !== undefined) throw failure;
}
