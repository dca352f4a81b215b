import type { IncomingMessage } from 'node:http';
import { pathOf } from '../guard.ts';

const EXEC_PATH = /^\/v1\/sandboxes\/([^/]+)\/exec$/;

/** The id in the path of the exec WebSocket, as it was sent; undefined for every other path. */
export function execSocketId(url: string | undefined): string | undefined {
  return EXEC_PATH.exec(pathOf(url ?? ''))?.[1];
}

/** Whether a request is the opening of the exec WebSocket. */
export function isExecSocketRequest({ method, url, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && execSocketId(url) !== undefined;
}
