import { AgentCall } from './agent-call.ts';
import type { ConnectAgent } from './connection.ts';
import { fileError } from './failures.ts';
import { encodeFrame, FRAME } from './frames.ts';
import { encodeData, encodeFileWrite, encodeTarWrite } from './requests.ts';

/** Without any progress: a full journal or a flush of a large file takes seconds. */
const PROGRESS_TIMEOUT_MS = 60_000;
const ROOT = 0;

/**
 * Writes a file of root's, atomically: the old content or the new, never a part; a content that throws changes nothing.
 * The folder must exist. @throws FILE_NOT_FOUND, INVALID_ARGUMENT, NO_SPACE, AGENT_FAILED
 */
export async function writeFileOverAgent(
  connect: ConnectAgent,
  path: string,
  { content, mode }: { readonly content: AsyncIterable<Uint8Array>; readonly mode: number },
): Promise<void> {
  const request = encodeFileWrite(path, { mode, uid: ROOT, gid: ROOT });
  await using call = new AgentCall(connect, { toError: (failure) => fileError(failure, { action: 'write', path }) });
  await upload(call, request, content);
}

/**
 * Unpacks a tar below a folder, which is made when missing. Not atomic.
 * @throws INVALID_ARGUMENT (the tar too), NO_SPACE, AGENT_FAILED
 */
export async function writeTarOverAgent(
  connect: ConnectAgent,
  path: string,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const request = encodeTarWrite(path);
  await using call = new AgentCall(connect, {
    toError: (failure) => fileError(failure, { action: 'unpack into', path }),
  });
  await upload(call, request, content);
}

async function upload(call: AgentCall, request: Buffer, content: AsyncIterable<Uint8Array>): Promise<void> {
  call.send(request);
  for await (const piece of content) {
    for (const frame of encodeData(piece)) call.send(frame);
    await call.drained(PROGRESS_TIMEOUT_MS);
    // The agent has said why; the rest of the content is of no use.
    if (call.error !== undefined) break;
  }
  call.send(encodeFrame(FRAME.END));
  await call.expectOk(PROGRESS_TIMEOUT_MS);
}
