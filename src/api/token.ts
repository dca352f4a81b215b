import { hash, timingSafeEqual } from 'node:crypto';
import { SandboxError } from '../domain/errors.ts';

/**
 * A check of the `Authorization` header against one bearer token.
 * Security: digests are compared, which have one length: neither a byte of the token nor its length is told by the time taken.
 */
export function createTokenCheck(token: string): (authorization: string | undefined) => void {
  const wanted = hash('sha256', token, 'buffer');
  return (authorization) => {
    const given = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1] ?? '';
    if (!timingSafeEqual(hash('sha256', given, 'buffer'), wanted))
      throw new SandboxError('TOKEN_INVALID', 'unauthorized');
  };
}
