import type { IncomingMessage } from 'node:http';
import { SandboxError } from '../domain/errors.ts';
import { pathOf } from './guard.ts';
import { allowedMethods } from './routes.ts';

/** The error of a request that no route takes: 405 where another method would be taken, else 404. */
export function notFound({ method, url = '' }: IncomingMessage): SandboxError {
  const path = pathOf(url);
  const allow = allowedMethods(path);
  if (allow !== undefined)
    return new SandboxError('METHOD_NOT_ALLOWED', `method not allowed: ${method}`, { details: { allow } });
  const action = /^\/cgi-bin\/api\/sandboxes\/[^/]+\/([^/]+)$/.exec(path)?.[1];
  return new SandboxError('ROUTE_NOT_FOUND', `not found: ${action ?? path}`);
}
