import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SandboxError } from '../domain/errors.ts';
import { askForBody } from './expect-continue.ts';

/** Of a JSON body, contract §1. */
const BODY_LIMIT_BYTES = 1024 * 1024;
/** A body of that size needs a second of a slow line; a client that trickles must not hold a connection for ever. */
const BODY_DEADLINE_MS = 30_000;

/**
 * The JSON in a request's body, whatever the content type says: `curl -d` calls it a form. An empty body is `{}`.
 * @throws BODY_TOO_LARGE as soon as that is known, INVALID_ARGUMENT
 */
export async function readJson(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT_BYTES) throw bodyTooLarge();
  askForBody(request, response);
  const bytes = await readBody(request);
  if (bytes.length === 0) return {};
  return parseJson(bytes);
}

function bodyTooLarge(): SandboxError {
  return new SandboxError('BODY_TOO_LARGE', `body too large: at most ${BODY_LIMIT_BYTES} bytes`);
}

function parseJson(bytes: Buffer): unknown {
  // RFC 8259 §8.1: UTF-8 only. Decoding something else would silently change the command that is run.
  if (!isUtf8(bytes)) throw new SandboxError('INVALID_ARGUMENT', 'malformed JSON: not UTF-8');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new SandboxError('INVALID_ARGUMENT', 'malformed JSON', { cause });
  }
}

function readBody(request: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const fail = (error: SandboxError) => {
    // What comes after this is thrown away by whoever owns the connection (see `lingering.ts`).
    request.off('data', onData);
    reject(error);
  };
  const onData = (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_LIMIT_BYTES) fail(bodyTooLarge());
    else chunks.push(chunk);
  };
  const deadline = setTimeout(() => {
    fail(new SandboxError('INVALID_ARGUMENT', `the body did not arrive within ${BODY_DEADLINE_MS / 1000} s`));
  }, BODY_DEADLINE_MS);
  request.on('data', onData);
  request.once('end', () =>
    resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
  );
  request.once('error', (cause) => reject(new SandboxError('INVALID_ARGUMENT', 'the body broke off', { cause })));
  return promise.finally(() => clearTimeout(deadline));
}
