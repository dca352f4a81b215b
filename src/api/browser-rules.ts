import type { IncomingHttpHeaders } from 'node:http';
import { SandboxError } from '../domain/errors.ts';

const LOOPBACK = /^(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])(?::\d{1,5})?$/;

/**
 * Refuses what a browser marks as sent by another site: a page anywhere on the web can make a browser send requests here,
 * and a daemon without a token would obey them.
 * @throws ORIGIN_REFUSED
 */
export function refuseCrossSite(headers: IncomingHttpHeaders): void {
  if (headers['sec-fetch-site'] === 'cross-site')
    throw new SandboxError('ORIGIN_REFUSED', 'cross-site request refused');
  const { origin } = headers;
  if (origin !== undefined && !isSameHost(origin, headers.host ?? ''))
    throw new SandboxError('ORIGIN_REFUSED', 'request of another origin refused');
}

/** The scheme is not compared: behind a proxy that ends TLS the browser's is https and ours is http. */
function isSameHost(origin: string, host: string): boolean {
  const from = URL.parse(origin);
  return from !== null && from.host !== '' && from.host === URL.parse(`${from.protocol}//${host}`)?.host;
}

/**
 * A check of the `Host` header for a daemon without a token. Security: against DNS rebinding. A hostile page's own name may resolve
 * to 127.0.0.1; the browser then takes us for that page's own server, and only the name in `Host` tells.
 */
export function createHostCheck(hosts: readonly string[]): (host: string | undefined) => void {
  const accepted = new Set(hosts.map((host) => host.toLowerCase()));
  return (host = '') => {
    const name = host.toLowerCase();
    if (LOOPBACK.test(name) || accepted.has(name) || accepted.has(name.replace(/:\d{1,5}$/, ''))) return;
    throw new SandboxError('HOST_REFUSED', `host refused: ${host}`);
  };
}
