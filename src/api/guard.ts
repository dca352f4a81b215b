import type { IncomingMessage } from 'node:http';
import { createHostCheck, refuseCrossSite } from './browser-rules.ts';
import type { ApiSettings } from './services.ts';
import { createTokenCheck } from './token.ts';

/** Throws when a request may not be looked at any further. */
export type Guard = (request: IncomingMessage) => void;

/**
 * Decides who may ask, from the head of a request alone. It stands before the router, so that an unknown route, a malformed
 * path and an upgrade meet it too: nobody without the token learns what exists.
 * @throws ORIGIN_REFUSED, HOST_REFUSED, TOKEN_INVALID
 */
export function createGuard(settings: Pick<ApiSettings, 'authToken' | 'hosts'>): Guard {
  const checkToken = createTokenCheck(settings.authToken);
  const checkHost = createHostCheck(settings.hosts);
  const hasToken = settings.authToken !== '';
  return (request) => {
    refuseCrossSite(request.headers);
    if (!hasToken) checkHost(request.headers.host);
    else if (!isOpen(request)) checkToken(request.headers.authorization);
  };
}

/** Health, for load balancers, and the page, which holds nothing of this installation, need no token. */
function isOpen({ method, url = '' }: IncomingMessage): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const path = pathOf(url);
  return path === '/cgi-bin/health' || path === '/' || path.startsWith('/static/');
}

/** The path of a request target, without its query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
