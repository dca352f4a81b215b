import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { type ExecStart, MESSAGE_MAX_BYTES } from '../api/v1/exec-wire.ts';
import { errorOfAnswer, unreachable } from './answer-error.ts';
import { type OnOutput, RemoteProcess } from './remote-process.ts';

export interface SpawnOptions {
  readonly onOutput: OnOutput;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Starts a live command over a WebSocket and waits until it runs.
 * @throws what the daemon answered, DAEMON_UNREACHABLE
 */
export async function spawnRemote(url: URL, start: ExecStart, options: SpawnOptions): Promise<RemoteProcess> {
  const socket = new WebSocket(toWebSocketUrl(url), {
    headers: options.headers,
    perMessageDeflate: false,
    maxPayload: MESSAGE_MAX_BYTES,
  });
  const opened = Promise.withResolvers<void>();
  socket.once('open', opened.resolve);
  socket.once('error', (cause) => opened.reject(unreachable(url, cause)));
  socket.once('unexpected-response', (request, answer: IncomingMessage) => {
    errorOfAnswer(answer).then(opened.reject, (cause: Error) => opened.reject(unreachable(url, cause)));
    answer.once('close', () => request.destroy());
  });
  await opened.promise;
  const process = new RemoteProcess(socket, options.onOutput);
  socket.send(JSON.stringify(start));
  await process.started;
  return process;
}

function toWebSocketUrl(url: URL): URL {
  const target = new URL(url);
  target.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return target;
}
