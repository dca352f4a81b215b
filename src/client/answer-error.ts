import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { ERRORS, type ErrorCode, SandboxError } from '../domain/errors.ts';

/** The error that a daemon answered with, as it was thrown there. */
export async function errorOfAnswer(answer: IncomingMessage): Promise<SandboxError> {
  const code = answer.headers['squash-error-code'];
  const body = await text(answer);
  return new SandboxError(
    isErrorCode(code) ? code : 'INTERNAL',
    errorText(body) ?? `the server answered ${answer.statusCode}`,
  );
}

/** Nobody answered, or the connection broke. */
export function unreachable(url: URL, cause: Error & { readonly code?: string }): SandboxError {
  const state = STATES[cause.code ?? ''] ?? cause.message;
  return new SandboxError('DAEMON_UNREACHABLE', `Cannot reach squashd at ${url.origin}: ${state}`, { cause });
}

const STATES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  ENOTFOUND: 'no such host',
};

/** Whether a word from the wire is a code of ours. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

function errorText(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : undefined;
    return typeof error === 'string' ? error : undefined;
  } catch {
    // Something that is no daemon of ours answered; its status tells more than its page.
    return undefined;
  }
}
