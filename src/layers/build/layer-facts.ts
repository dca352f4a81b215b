import type { Sidecar } from '../sidecar.ts';
import { parseDpkgStatus } from './dpkg-status.ts';
import { pathAdditionsOf } from './profile-path.ts';
import type { TarEntry } from './tar-header.ts';
import type { TarWatcher } from './tar-scan.ts';

const PROFILE_SCRIPT = /^etc\/profile\.d\/[^/]+\.sh$/;
const DPKG_STATUS = 'var/lib/dpkg/status';
// 64 MiB: the status of a full desktop has 5 MiB, of a base 100 kB.
const MAX_STATUS_BYTES = 64 * 1024 * 1024;
const MAX_SCRIPT_BYTES = 64 * 1024;
// A sandbox has the ids 0 to 65535; a file of another id belongs to nobody in it and cannot even be copied up (EOVERFLOW).
const LAST_SANDBOX_ID = 65_535;
/** Where a dynamic loader lies tells both libc and architecture. */
const LOADER = /^(?:usr\/)?lib(?:64)?\/(?:ld-(linux)-(x86-64|aarch64)\.so\.[12]|ld-(musl)-(x86_64|aarch64)\.so\.1)$/;

export type Libc = Sidecar['libc'];
export type Arch = 'x86_64' | 'aarch64' | 'any';

/** What the content of a layer says of itself. Feed it to a `TarScan`, read it at the end. */
export class LayerFacts implements TarWatcher {
  /** Of the dynamic loader in it: "none" and "any" for a layer that brings no loader. */
  libc: Libc = 'none';
  arch: Arch = 'any';
  packages: Readonly<Record<string, string>> = {};
  entries = 0;
  /** First entry whose owner or group no sandbox has. */
  foreign: TarEntry | undefined;
  readonly #scripts = new Map<string, string>();

  entry(entry: TarEntry): number {
    this.entries++;
    if (Math.max(entry.uid, entry.gid) > LAST_SANDBOX_ID) this.foreign ??= entry;
    const loader = LOADER.exec(entry.path);
    if (loader !== null) {
      this.libc = loader[3] === undefined ? 'glibc' : 'musl';
      this.arch = (loader[2] ?? loader[4]) === 'aarch64' ? 'aarch64' : 'x86_64';
    }
    if (entry.type !== 'file') return 0;
    if (entry.path === DPKG_STATUS) return MAX_STATUS_BYTES;
    return PROFILE_SCRIPT.test(entry.path) ? MAX_SCRIPT_BYTES : 0;
  }

  content(entry: TarEntry, data: Buffer): void {
    if (entry.path === DPKG_STATUS) this.packages = parseDpkgStatus(data.toString('utf8'));
    else this.#scripts.set(entry.path, data.toString('utf8'));
  }

  /** `PATH`: the folders that come before the usual ones, in the order of the scripts' names as `/etc/profile` reads them. */
  get env(): Record<string, string> {
    const scripts = [...this.#scripts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const folders = new Set(scripts.flatMap(([, script]) => pathAdditionsOf(script)));
    return folders.size === 0 ? {} : { PATH: [...folders].join(':') };
  }
}
