import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { errorOfAnswer, unreachable } from './answer-error.ts';

export interface TransportOptions {
  /** Base of every path, such as `http://localhost:8080`. */
  readonly baseUrl: string;
  /** Bearer token; empty = none. */
  readonly token: string;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One daemon, over kept connections. `fetch` is not used: it gives up on an answer after five minutes, and a command may take an hour.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agent: HttpAgent;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agent =
      this.url('/').protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  }

  url(path: string): URL {
    return new URL(`${this.#options.baseUrl.replace(/\/+$/, '')}${path}`);
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#options.token === '' ? {} : { authorization: `Bearer ${this.#options.token}` };
  }

  /** The answer of a call that was not refused; its body is still to be read. @throws what the daemon answered, DAEMON_UNREACHABLE */
  async open(call: Call): Promise<IncomingMessage> {
    const answer = await this.#send(call);
    if ((answer.statusCode ?? 0) < 400) return answer;
    throw await errorOfAnswer(answer);
  }

  /** Ends the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #send({ method, path, headers, body, signal }: Call): Promise<IncomingMessage> {
    const url = this.url(path);
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = start(url, {
      method,
      agent: this.#agent,
      headers: { ...this.headers, ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    request.once('response', resolve);
    request.on('error', (cause) => reject(signal?.aborted === true ? signal.reason : unreachable(url, cause)));
    if (typeof body === 'object') upload(body, { request, reject });
    else request.end(body);
    return promise;
  }
}

type Upload = { readonly request: ReturnType<typeof httpRequest>; readonly reject: (error: unknown) => void };

/** Sends a body of any size; an answer before its end (a refusal) stops the sending. */
function upload(body: AsyncIterable<Uint8Array>, { request, reject }: Upload): void {
  const source = Readable.from(body, { objectMode: false });
  source.once('error', (error) => {
    reject(error);
    // Without the last chunk the daemon knows that this is a part only, and keeps the old content.
    request.destroy();
  });
  request.once('response', (answer) => {
    if (source.readableEnded) return;
    source.unpipe(request);
    source.destroy();
    answer.once('close', () => request.destroy());
  });
  source.pipe(request);
}
