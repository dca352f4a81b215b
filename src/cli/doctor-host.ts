import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { parsePasswd, parseSubordinateIds } from '../layers/build/build-user.ts';
import { type Check, fault, lack, ok } from './doctor-check.ts';

const SETUP = 'script/setup';

/** Users and id ranges, as setup makes them. */
export async function checkUsers(uidBase: number | undefined): Promise<Check[]> {
  const passwd = await readFile('/etc/passwd', 'utf8');
  const daemon = parsePasswd(passwd, 'squash');
  const builder = parsePasswd(passwd, 'squash-build');
  const subuid = await readFile('/etc/subuid', 'utf8').catch(() => '');
  const range = builder && parseSubordinateIds(subuid, { name: 'squash-build', uid: builder.uid });
  return [
    daemon ? ok('user squash', `uid ${daemon.uid}`) : fault('user squash', 'there is none: no daemon can run', SETUP),
    builder
      ? ok('user squash-build', `uid ${builder.uid}`)
      : fault('user squash-build', 'there is none: no layer can be built', SETUP),
    range === undefined
      ? fault('ids of builders', 'none in /etc/subuid: no base can be built', SETUP)
      : ok('ids of builders', `65536 from ${range}`),
    checkUidBase(uidBase, subuid),
  ];
}

function checkUidBase(uidBase: number | undefined, subuid: string): Check {
  const name = 'ids of sandboxes';
  if (uidBase === undefined) return fault(name, 'SQUASH_UID_BASE is not set', SETUP);
  const clash = subuid.split('\n').find((line) => {
    const [, first, count] = line.split(':').map(Number);
    return first !== undefined && count !== undefined && first + count > uidBase && !line.startsWith('squash:');
  });
  if (clash === undefined) return ok(name, `from ${uidBase}`);
  return lack(
    name,
    `from ${uidBase}, and /etc/subuid gives some of them to "${clash.split(':')[0]}"`,
    'change SQUASH_UID_BASE',
  );
}

/** Programs of the system that Squash starts. */
const PROGRAMS: readonly { readonly name: string; readonly debianPackage: string; readonly loss: string }[] = [
  { name: 'mksquashfs', debianPackage: 'squashfs-tools', loss: 'no layer can be built' },
  { name: 'tar', debianPackage: 'tar', loss: 'no layer can be built' },
  { name: 'setpriv', debianPackage: 'util-linux', loss: 'no layer can be built' },
  { name: 'mmdebstrap', debianPackage: 'mmdebstrap', loss: 'no Debian base can be built' },
  { name: 'newuidmap', debianPackage: 'uidmap', loss: 'no Debian base can be built' },
  { name: 'npm', debianPackage: 'npm', loss: 'the preset nodejs24 cannot be fetched' },
  { name: 'mke2fs', debianPackage: 'e2fsprogs', loss: 'sandboxes have no writable layer' },
];

export async function checkPrograms(path: string): Promise<Check[]> {
  // A user's PATH often lacks the folders where these lie.
  const folders = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return Promise.all(
    PROGRAMS.map(async ({ name, debianPackage, loss }) => {
      const found = await firstExecutable(folders.filter(Boolean).map((folder) => join(folder, name)));
      if (found !== undefined) return ok(name, found);
      return (name === 'npm' ? lack : fault)(name, `not installed: ${loss}`, `apt-get install ${debianPackage}`);
    }),
  );
}

async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not this one: the next.
    }
  }
  return undefined;
}
