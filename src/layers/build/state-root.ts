import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '../../domain/errors.ts';
import { BUILD_USER, parsePasswd } from './build-user.ts';
import type { Account } from './launch.ts';

interface Folder {
  readonly name: string;
  readonly owner: 'root' | 'daemon' | 'builder';
  readonly group: 'root' | 'daemon';
  readonly mode: number;
}

/** Of a state root; who may do what in each is what keeps daemon and builders apart (SECURITY.md). */
const FOLDERS: readonly Folder[] = [
  { name: 'modules', owner: 'root', group: 'daemon', mode: 0o750 },
  { name: 'uppers', owner: 'root', group: 'root', mode: 0o700 },
  { name: 'sandboxes', owner: 'daemon', group: 'daemon', mode: 0o750 },
  { name: 'state', owner: 'daemon', group: 'daemon', mode: 0o700 },
  { name: 'staging', owner: 'builder', group: 'daemon', mode: 0o770 },
];

/** Makes the folders of a state root that are missing; what is there is left as it is. @throws LAYER_BUILD_FAILED without the users that setup makes */
export async function ensureStateRoot(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  // Builders and the daemon pass through it, whatever the umask was when it was made; nobody but root lists it.
  await chmod(dataDir, 0o711);
  const passwd = await readFile('/etc/passwd', 'utf8');
  const owners = {
    root: { uid: 0, gid: 0 },
    daemon: accountOf(passwd, 'squash'),
    builder: accountOf(passwd, BUILD_USER),
  };
  for (const folder of FOLDERS) {
    const path = join(dataDir, folder.name);
    try {
      await mkdir(path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    await chown(path, owners[folder.owner].uid, owners[folder.group].gid);
    await chmod(path, folder.mode);
  }
}

function accountOf(passwd: string, name: string): Account {
  const account = parsePasswd(passwd, name);
  if (account !== undefined) return account;
  throw new SandboxError('LAYER_BUILD_FAILED', `Cannot make the state root: there is no user "${name}"`, {
    hint: 'script/setup creates it',
  });
}
