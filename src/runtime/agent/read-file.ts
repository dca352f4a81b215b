import type { FileRead } from '../runtime.ts';
import { AgentCall } from './agent-call.ts';
import type { ConnectAgent } from './connection.ts';
import { fileError } from './failures.ts';
import { FRAME } from './frames.ts';
import { claimRefused, parseFileInfo } from './replies.ts';
import { encodeFileRead } from './requests.ts';

const INFO_TIMEOUT_MS = 10_000;
/** Between two pieces: a slow disk, not a slow reader, whose time does not count. */
const PIECE_TIMEOUT_MS = 60_000;

/**
 * Reads a file, or a folder as a tar. The connection stays open until the content was read or left (`for await` does both ends);
 * whoever does not read it must call `content[Symbol.asyncIterator]().return()`.
 * @throws FILE_NOT_FOUND, INVALID_ARGUMENT, AGENT_FAILED; reading the content may throw the same
 */
export async function readFileOverAgent(connect: ConnectAgent, path: string): Promise<FileRead> {
  const request = encodeFileRead(path);
  const call = new AgentCall(connect, { toError: (failure) => fileError(failure, { action: 'read', path }) });
  try {
    call.send(request);
    const frame = await call.next(INFO_TIMEOUT_MS);
    if (frame.type !== FRAME.FILE_INFO) throw claimRefused('a frame');
    return { info: parseFileInfo(frame.payload), content: new FileContent(call) };
  } catch (error) {
    await call[Symbol.asyncDispose]();
    throw error;
  }
}

/** A generator that was never started does not run its `finally`, so this is an iterator of its own. */
class FileContent implements AsyncIterableIterator<Buffer> {
  readonly #call: AgentCall;
  #isDone = false;

  constructor(call: AgentCall) {
    this.#call = call;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#isDone) return { done: true, value: undefined };
    try {
      const frame = await this.#call.next(PIECE_TIMEOUT_MS);
      if (frame.type === FRAME.DATA && frame.payload.length > 0) return { done: false, value: frame.payload };
      if (frame.type !== FRAME.OK) throw claimRefused('a frame');
      return this.return();
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#isDone = true;
    await this.#call[Symbol.asyncDispose]();
    return { done: true, value: undefined };
  }
}
