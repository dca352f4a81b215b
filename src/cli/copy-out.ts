import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SandboxError } from '../domain/errors.ts';
import { Child } from '../layers/build/child.ts';
import { requireSuccess } from '../layers/build/run.ts';
import type { CopyContext } from './copy-in.ts';
import type { LocalPlace, SandboxPlace } from './copy-place.ts';

/**
 * Copies a file or folder out of a sandbox. Security: the sandbox decides every byte of the tar, so it is unpacked into a fresh folder
 * that nobody else can enter, made harmless there, and only then gets its name.
 */
export async function copyOut(source: SandboxPlace, target: LocalPlace, context: CopyContext): Promise<void> {
  const file = await context.client.readFile(source.id, source.path);
  const asked = resolve(target.path);
  const isFolder = target.path.endsWith('/') || (await stat(asked).catch(whenMissing))?.isDirectory() === true;
  const name = posix.basename(posix.resolve(source.path));
  if (isFolder && name === '')
    throw new SandboxError('INVALID_ARGUMENT', `Cannot copy from ${source.id}: a copy of / needs a name of its own`);
  const path = isFolder ? join(asked, name) : asked;
  const there = await lstat(path).catch(whenMissing);
  if (there?.isDirectory() === true || (there !== undefined && file.kind === 'folder')) {
    file.content.destroy();
    throw new SandboxError('INVALID_ARGUMENT', `Cannot copy to ${path}: it exists`);
  }
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    if (file.kind === 'folder') await unpack(file.content, beside, context);
    else await save(file.content, beside, { mode: file.mode, signal: context.signal });
    await rename(file.kind === 'folder' ? join(beside, CONTENT) : beside, path);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

const CONTENT = 'content';

async function save(content: Readable, path: string, options: { mode: number; signal: AbortSignal }): Promise<void> {
  const file = createWriteStream(path, { flags: 'wx', mode: options.mode & 0o777, flush: true });
  await pipeline(content, file, { signal: options.signal });
}

async function unpack(content: Readable, folder: string, { signal, env }: CopyContext): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await mkdir(join(folder, CONTENT));
  // GNU tar takes no absolute name and no "..", and makes links that lead out only after everything else is in place.
  const command = ['tar', '--extract', '--file=-', '--no-same-owner', '--no-same-permissions', '--no-overwrite-dir'];
  await using tar = new Child([...command, '-C', join(folder, CONTENT)], 'tar', {
    input: 'pipe',
    env: { PATH: env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    signal,
  });
  const failure = await pipeline(content, tar.stdin).then(
    () => undefined,
    (error: unknown) => error,
  );
  requireSuccess('tar', await tar.ended);
  if (failure !== undefined) throw failure;
  await disarm(join(folder, CONTENT));
}

/** Takes away what a copy must not have: devices, pipes and sockets; set-uid and set-gid bits, which would be the caller's own. */
async function disarm(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await disarm(path);
    else if (!entry.isFile() && !entry.isSymbolicLink()) await rm(path);
    if (entry.isFile()) {
      const { mode } = await lstat(path);
      if ((mode & 0o7000) !== 0) await chmod(path, mode & 0o777);
    }
  }
}

function whenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
