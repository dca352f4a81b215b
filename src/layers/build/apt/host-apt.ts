import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AptSource, parseDeb822, parseOneLine } from './apt-source.ts';
import type { HostDistribution } from './debian-sources.ts';

const CONFIG = '/etc/apt';

/** What this host's APT knows about reaching its archives. */
export interface HostApt {
  readonly sources: readonly AptSource[];
  readonly distribution: HostDistribution;
  /** Content of `auth.conf` and `auth.conf.d`: logins for archives. */
  readonly logins: string;
}

/** Reads `/etc/apt` and os-release(5). */
export async function readHostApt(): Promise<HostApt> {
  const lists = [await readIfThere(join(CONFIG, 'sources.list')), ...(await readParts('sources.list.d', '.list'))];
  const sources = [
    ...lists.flatMap(parseOneLine),
    ...(await readParts('sources.list.d', '.sources')).flatMap(parseDeb822),
  ];
  const logins = [await readIfThere(join(CONFIG, 'auth.conf')), ...(await readParts('auth.conf.d', '.conf'))].join(
    '\n',
  );
  return { sources, distribution: parseOsRelease(await readIfThere('/etc/os-release')), logins };
}

function parseOsRelease(text: string): HostDistribution {
  const field = (name: string) => new RegExp(`^${name}=["']?([^"'\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), codename: field('VERSION_CODENAME') };
}

/** Files of a folder in the order in which APT reads them. APT takes no other names (apt.conf(5)). */
async function readParts(folder: string, ending: string): Promise<string[]> {
  const names = await readdir(join(CONFIG, folder)).catch(whenMissing<string[]>([]));
  const parts = names.filter((name) => name.endsWith(ending) && /^[\w.-]+$/.test(name)).toSorted();
  return Promise.all(parts.map((name) => readFile(join(CONFIG, folder, name), 'utf8')));
}

async function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(whenMissing(''));
}

function whenMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
