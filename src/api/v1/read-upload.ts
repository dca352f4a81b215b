import type { IncomingMessage, ServerResponse } from 'node:http';
import { SandboxError } from '../../domain/errors.ts';
import { askForBody } from '../expect-continue.ts';

/** Silence of an uploading client that ends the upload. */
const IDLE_MS = 120_000;

/**
 * The body of an upload, one piece at a time: what is not taken is not read from the network.
 * @throws INVALID_ARGUMENT when the client goes away before the end, so that nobody takes a part for the whole
 */
export async function* readUpload(request: IncomingMessage, response: ServerResponse): AsyncGenerator<Buffer, void> {
  askForBody(request, response);
  request.socket.setTimeout(IDLE_MS);
  try {
    // Not destroyed on an early return: the connection still has to carry the answer.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  } catch (cause) {
    throw new SandboxError('INVALID_ARGUMENT', 'the upload broke off', { cause });
  } finally {
    request.socket.setTimeout(0);
  }
}
