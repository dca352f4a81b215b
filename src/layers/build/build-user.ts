import { readFile } from 'node:fs/promises';
import { SandboxError } from '../../domain/errors.ts';
import type { Account } from './launch.ts';

/** The account that builders run as. */
export const BUILD_USER = 'squash-build';

export interface BuildUser extends Account {
  readonly name: string;
  /** First of its subordinate user ids: uid 0 of what mmdebstrap builds. */
  readonly firstSubordinateUid: number | undefined;
}

/** @throws LAYER_BUILD_FAILED when setup has not made the account */
export async function findBuildUser(name: string = BUILD_USER): Promise<BuildUser> {
  const account = parsePasswd(await readFile('/etc/passwd', 'utf8'), name);
  if (account === undefined)
    throw new SandboxError('LAYER_BUILD_FAILED', `Cannot build layers: there is no user "${name}"`, {
      hint: 'script/setup creates it',
    });
  const firstSubordinateUid = parseSubordinateIds(await readFile('/etc/subuid', 'utf8').catch(emptyIfMissing), {
    name,
    uid: account.uid,
  });
  return { ...account, name, firstSubordinateUid };
}

/** Account of a user as passwd(5) has it. */
export function parsePasswd(passwd: string, name: string): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && /^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? ''))
      return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** First subordinate id of a user as subuid(5) has it: lines name the user or its uid. */
export function parseSubordinateIds(subuid: string, user: { name: string; uid: number }): number | undefined {
  for (const line of subuid.split('\n')) {
    const [owner, first, count] = line.split(':');
    const isHis = owner === user.name || owner === String(user.uid);
    // 65536: what mmdebstrap maps.
    if (isHis && /^\d+$/.test(first ?? '') && Number(count) >= 65_536) return Number(first);
  }
  return undefined;
}

function emptyIfMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
