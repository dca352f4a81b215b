import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, posix, resolve } from 'node:path';
import type { SquashClient } from '../client/client.ts';
import { SandboxError } from '../domain/errors.ts';
import { Child } from '../layers/build/child.ts';
import { requireSuccess } from '../layers/build/run.ts';
import type { LocalPlace, SandboxPlace } from './copy-place.ts';

export interface CopyContext {
  readonly client: SquashClient;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Copies a file or folder of this machine into a sandbox; there it belongs to root. */
export async function copyIn(source: LocalPlace, target: SandboxPlace, context: CopyContext): Promise<void> {
  const { client, signal } = context;
  const local = resolve(source.path);
  const found = await stat(local).catch((cause: NodeJS.ErrnoException) => {
    throw new SandboxError('FILE_NOT_FOUND', `Cannot copy ${source.path}: it cannot be read (${cause.code})`, {
      cause,
    });
  });
  const isFolder = (await kindOf(client, target)) === 'folder' || target.path.endsWith('/');
  const path = isFolder ? posix.join(target.path, basename(local)) : target.path;
  if (found.isDirectory()) await sendFolder(local, { ...target, path }, context);
  else if (found.isFile())
    await client.writeFile(target.id, path, createReadStream(local, { signal }), { mode: found.mode & 0o777 });
  else throw new SandboxError('INVALID_ARGUMENT', `Cannot copy ${source.path}: it is neither a file nor a folder`);
}

async function sendFolder(folder: string, target: SandboxPlace, { client, signal, env }: CopyContext): Promise<void> {
  const command = ['tar', '--create', '--file=-', '--format=posix', '--numeric-owner', '--owner=0', '--group=0'];
  await using tar = new Child([...command, '--sparse', '-C', folder, '.'], 'tar', {
    output: 'pipe',
    env: { PATH: env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    signal,
  });
  await client.writeTar(target.id, target.path, whole(tar));
}

/** The tar, or an error when tar failed: the sandbox then does not take the part for the whole. */
async function* whole(tar: Child): AsyncGenerator<Buffer> {
  yield* tar.stdout as AsyncIterable<Buffer>;
  requireSuccess('tar', await tar.ended);
}

/** What lies at a path of a sandbox; undefined when nothing does. */
async function kindOf(client: SquashClient, place: SandboxPlace): Promise<'file' | 'folder' | undefined> {
  try {
    const file = await client.readFile(place.id, place.path);
    file.content.destroy();
    return file.kind;
  } catch (error) {
    if (error instanceof SandboxError && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  }
}
