import { isIP } from 'node:net';
import { isAbsolute, normalize } from 'node:path';
import { SandboxError } from '../domain/errors.ts';
import { type LayerName, parseLayerName } from '../domain/ids.ts';
import { SettingProblem } from './setting.ts';

/** An absolute path without `..`, so that two spellings of one state root cannot become two installations. */
export function parseFolder(text: string): string {
  if (!isAbsolute(text) || text.includes('\0')) throw new SettingProblem('must be an absolute path');
  const path = normalize(text);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Layer names separated by commas; at least one, none twice. */
export function parseLayerNames(text: string): readonly LayerName[] {
  const names = splitList(text);
  if (names.length === 0) throw new SettingProblem('must name at least one layer');
  if (new Set(names).size < names.length) throw new SettingProblem('names a layer twice');
  return names.map((name) => {
    try {
      return parseLayerName(name);
    } catch (error) {
      if (error instanceof SandboxError) throw new SettingProblem(`has an ${error.message}`);
      throw error;
    }
  });
}

const HOST_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** Host names as they stand in a `Host` header, without port, in lower case. */
export function parseHosts(text: string): readonly string[] {
  return splitList(text.toLowerCase()).map((host) => {
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    if (isIP(bare) === 0 && !HOST_NAME.test(bare))
      throw new SettingProblem(`has "${host}", which is no host name (give names without scheme and port)`);
    return bare;
  });
}

/** An address to listen on: a literal, or `localhost`. A name that DNS answers could move the daemon to another interface. */
export function parseListen(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (text !== '' && bare !== 'localhost' && isIP(bare) === 0)
    throw new SettingProblem('must be an IP address or "localhost"');
  return bare;
}

/** A bearer token: what RFC 6750 lets an `Authorization` header carry. */
export function parseToken(text: string): string {
  if (text !== '' && !/^[A-Za-z0-9._~+/-]+=*$/.test(text))
    throw new SettingProblem('may hold only A-Z a-z 0-9 - . _ ~ + / and = at its end, as a bearer token must');
  return text;
}

export function parseUrl(text: string): string {
  if (text === '') return '';
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new SettingProblem('must be an http:// or https:// URL');
  return text.replace(/\/+$/, '');
}

/** First id of the sandboxes' ranges; undefined when setup chooses. */
export function parseUidBase(text: string): number | undefined {
  if (text === '') return undefined;
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  // 4294901760 = 2^32 - 65536: the last whole range below the highest uid.
  if (!(value >= 65_536 && value <= 4_294_901_760 && value % 65_536 === 0))
    throw new SettingProblem('must be a multiple of 65536 from 65536 to 4294901760');
  return value;
}

function splitList(list: string): string[] {
  return list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
