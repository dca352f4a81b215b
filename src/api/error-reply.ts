import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { ERRORS, type ErrorCode, SandboxError } from '../domain/errors.ts';
import type { Log } from '../lib/log.ts';
import { writeLine } from './json-line.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** An error as it goes over the wire: the body is `{"error":"<one line>"}` and nothing else (contract §1). */
export interface ErrorReply {
  readonly status: number;
  readonly code: ErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: string };
}

/**
 * The answer to anything that was thrown. A fault of ours gets a request id and is logged here, once, with its cause;
 * what the client sees of an unknown throwable is the id alone.
 */
export function toErrorReply(thrown: unknown, log: Log): ErrorReply {
  const error =
    thrown instanceof SandboxError ? thrown : new SandboxError('INTERNAL', 'internal error', { cause: thrown });
  const headers: Record<string, string> = { 'squash-error-code': error.code };
  if (error.kind === 'unauthenticated') headers['www-authenticate'] = 'Bearer';
  if (error.code === 'METHOD_NOT_ALLOWED') headers.allow = String(error.details.allow);
  if (error.kind !== 'internal')
    return { status: error.httpStatus, code: error.code, headers, body: { error: lineOf(error) } };
  const requestId = randomBytes(6).toString('hex');
  log.error({ err: error, requestId }, error.message);
  const text = `${lineOf(error)} (request ${requestId})`;
  return { status: error.httpStatus, code: error.code, headers, body: { error: text } };
}

/** A hint that was made for this very error has no other way to the client; the general one of its code is in the client's own table. */
function lineOf({ code, message, hint }: SandboxError): string {
  const general = 'hint' in ERRORS[code] ? ERRORS[code].hint : undefined;
  return hint === general ? message : `${message} (${hint})`;
}

/** Answers a request that never reached the router. */
export function refuse(response: ServerResponse, reply: ErrorReply): void {
  const body = writeLine(reply.body);
  response.writeHead(reply.status, {
    ...reply.headers,
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
