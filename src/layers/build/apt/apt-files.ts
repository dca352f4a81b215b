import { chown, copyFile, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildUser } from '../build-user.ts';
import { type AptOption, withValue } from './apt-options.ts';
import { type AptSource, formatDeb822 } from './apt-source.ts';
import type { AptLogin } from './debian-sources.ts';

export interface AptInput {
  readonly sources: readonly AptSource[];
  readonly options: readonly AptOption[];
  /** Content for APT's login file: what the host has, and what was taken out of the sources. */
  readonly hostLogins: string;
  readonly logins: readonly AptLogin[];
}

export interface AptFiles {
  /** Becomes a file of the layer. */
  readonly sourcesPath: string;
  /** Used for the build only. */
  readonly optionsPath: string;
}

/**
 * Writes what mmdebstrap needs into a work folder. Files with secrets are readable by nobody but the build user and its uid 0 in
 * the user namespace, to which the build user's own files are not mapped.
 */
export async function writeAptFiles(folder: string, input: AptInput, user: BuildUser): Promise<AptFiles> {
  const secret = { mode: 0o440, uid: user.firstSubordinateUid ?? user.uid, gid: user.gid };
  const lines: string[] = [];
  for (const [index, option] of input.options.entries())
    lines.push(await readableOption(option, { copyPath: join(folder, `apt-file-${index}`), owner: secret }));
  const loginsPath = join(folder, 'logins.conf');
  await write(loginsPath, `${input.hostLogins}\n${input.logins.map(loginLine).join('')}`, secret);
  lines.push(`Dir::Etc::netrc "${loginsPath}";`);
  const optionsPath = join(folder, 'options.conf');
  await write(optionsPath, `${lines.join('\n')}\n`, secret);
  const sourcesPath = join(folder, 'squash.sources');
  await write(sourcesPath, formatDeb822(input.sources), { mode: 0o444, uid: 0, gid: 0 });
  return { sourcesPath, optionsPath };
}

interface Owner {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A certificate that only root may read is copied for the builder. */
async function readableOption(option: AptOption, copy: { copyPath: string; owner: Owner }): Promise<string> {
  if (option.path === undefined || ((await stat(option.path)).mode & 0o004) !== 0) return option.line;
  await copyFile(option.path, copy.copyPath);
  await chown(copy.copyPath, copy.owner.uid, copy.owner.gid);
  return withValue(option, copy.copyPath);
}

function loginLine({ machine, login, password }: AptLogin): string {
  return `machine ${machine} login ${login} password ${password}\n`;
}

async function write(path: string, content: string, owner: Owner): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.writeFile(content);
  await file.chown(owner.uid, owner.gid);
  await file.chmod(owner.mode);
}
