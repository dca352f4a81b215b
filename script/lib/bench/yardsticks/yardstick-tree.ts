import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Installation } from '../../../../test/support/installation.ts';
import { RUN_TIMER, TimedProgram } from '../timed-program.ts';
import { ociConfig } from './oci-config.ts';

/*
 * Runs in a mount namespace of its own, which takes everything away with it. $1 is the work folder, $2 the layer's image; the rest is
 * what is timed. crun 1.8 takes a v1 tree with a v2 one beside it for a mistake, so that it must not see the latter.
 */
const PREPARE = `set -e
W=$1 IMAGE=$2; shift 2
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
mount -t tmpfs tmpfs "$W/m"
cd "$W/m"
mkdir lower upper work tree state
mount -o loop,ro "$IMAGE" lower
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work tree
mkdir -p tree/proc tree/dev tree/sys
`;

/** The same root file system as a sandbox's, put together before the clock starts, for programs that only have to enter it. */
export class YardstickTree implements Disposable {
  readonly #folder: string;
  readonly #image: string;
  #count = 0;

  constructor({ dataFolder }: Pick<Installation, 'dataFolder'>) {
    this.#folder = mkdtempSync(join(tmpdir(), 'yardstick-'));
    // crun looks at the tree as the root of its user namespace.
    chmodSync(this.#folder, 0o755);
    const images = join(dataFolder, 'modules');
    const name = readdirSync(images).find((each) => each === '000-base-test.squashfs');
    if (name === undefined) throw new Error(`Cannot find the base layer in ${images}`);
    this.#image = join(images, name);
  }

  /** `crun run` of a command, its container taken away again. */
  crunRun(argv: readonly string[]): TimedProgram {
    const { work, id } = this.#newBundle(argv);
    return this.#inside(work, 'exec "$@"', [RUN_TIMER, ...crun(work), 'run', '--bundle', work, id]);
  }

  /** `crun exec` of a command in a container that runs. */
  crunExec(argv: readonly string[]): TimedProgram {
    const { work, id } = this.#newBundle(['/bin/sleep', '1000000']);
    // crun gives what it is handed as stdin and output to the container's root: the host's /dev/null must not be among it.
    const script = `trap 'crun --root "$W/m/state" delete -f ${id}' EXIT
: >"$W/m/empty"
crun --root "$W/m/state" run -d --bundle "$W" ${id} >"$W/m/empty" <"$W/m/empty"
"$@"`;
    return this.#inside(work, script, [RUN_TIMER, ...crun(work), 'exec', id, ...argv]);
  }

  bwrap(argv: readonly string[]): TimedProgram {
    const { work } = this.#newBundle(argv);
    const isolation = ['--unshare-all', '--unshare-user', '--uid', '0', '--gid', '0', '--die-with-parent'];
    const tree = ['--bind', `${work}/m/tree`, '/', '--proc', '/proc', '--dev', '/dev'];
    return this.#inside(work, 'exec "$@"', [RUN_TIMER, 'bwrap', ...isolation, ...tree, ...argv]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }

  #newBundle(argv: readonly string[]): { work: string; id: string } {
    const work = join(this.#folder, String(this.#count++));
    mkdirSync(join(work, 'm'), { recursive: true });
    const id = `squash-bench-${process.pid}-${this.#count}`;
    const config = { ...ociConfig(`${work}/m/tree`, argv) };
    writeFileSync(join(work, 'config.json'), JSON.stringify(config));
    return { work, id };
  }

  #inside(work: string, script: string, argv: readonly string[]): TimedProgram {
    return new TimedProgram(['unshare', '-m', 'sh', '-c', PREPARE + script, 'sh', work, this.#image, ...argv]);
  }
}

function crun(work: string): string[] {
  return ['crun', '--root', `${work}/m/state`];
}
