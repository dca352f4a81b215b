import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

export interface RawCall {
  readonly method?: string;
  readonly path: string;
  /** `host` stands in for the real one. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Send the body in chunks instead of with a length. */
  readonly chunked?: boolean;
  /** Of the answer. @default {'utf8'} */
  readonly encoding?: BufferEncoding;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Port of our end: equal ports, one connection. */
  readonly localPort: number | undefined;
}

/** HTTP without any help: nothing is added, followed, retried or hidden. One object is one kept connection. */
export class RawHttp implements Disposable {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = new URL(url);
  }

  call({ method = 'GET', path, headers = {}, body, chunked = false, encoding = 'utf8' }: RawCall): Promise<RawAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const framing = chunked ? { 'transfer-encoding': 'chunked' } : length;
    const outgoing = request({
      agent: this.#agent,
      host: this.#url.hostname,
      port: this.#url.port,
      method,
      path,
      headers: { host: this.#url.host, ...framing, ...headers },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      const localPort = answer.socket.localPort;
      const { statusCode: status = 0, headers: given } = answer;
      buffer(answer).then(
        (content) => resolve({ status, headers: given, text: content.toString(encoding), localPort }),
        reject,
      );
    });
    outgoing.end(body);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Sends bytes and resolves with all that comes back until the other side closes. */
export function sendBytes(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes));
  socket.once('error', reject);
  text(socket).then(resolve, reject);
  return promise;
}
