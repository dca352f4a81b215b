import { SandboxError } from '../../../domain/errors.ts';
import { parseLayerName } from '../../../domain/ids.ts';
import { writeAptFiles } from '../apt/apt-files.ts';
import { networkOptions } from '../apt/apt-options.ts';
import { type DebianSuite, sourcesForSuite } from '../apt/debian-sources.ts';
import { readHostApt } from '../apt/host-apt.ts';
import { Child } from '../child.ts';
import { treeLineAs } from '../launch.ts';
import { LAYER_TIME_SECONDS } from '../layer-time.ts';
import { describePinned, type Recipe, type RecipeContext } from '../recipe.ts';
import { run } from '../run.ts';

export const DEBIAN_SUITES: readonly DebianSuite[] = ['bookworm', 'trixie'];
const PACKAGES = ['bash', 'coreutils', 'curl', 'git', 'jq', 'ca-certificates', 'xz-utils', 'procps', 'sudo'];

/**
 * What is done inside before packing. The build's APT options may hold a proxy's password, hostname and resolv.conf are this host's:
 * none of them may get into a layer. No init runs in a sandbox, so packages must not try to start services (invoke-rc.d(8), policy-rc.d).
 */
const FINISH = [
  'set -e',
  'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap" "$1/etc/hostname" "$1/etc/resolv.conf"',
  'mv "$1/etc/apt/sources.list.d/0000squash.sources" "$1/etc/apt/sources.list.d/debian.sources"',
  'printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d"',
  'chmod 755 "$1/usr/sbin/policy-rc.d"',
].join('; ');

/** A minimal Debian with what people expect of one, from the host's own APT sources. */
export async function debianRecipe(suite: DebianSuite): Promise<Recipe> {
  const host = await readHostApt();
  const { sources, logins } = sourcesForSuite(suite, { host: host.sources, distribution: host.distribution });
  return {
    name: parseLayerName('000-base-debian'),
    tool: 'mmdebstrap',
    description: describePinned(`debian ${suite}`, { format: 2, suite, packages: PACKAGES, finish: FINISH }),
    isPinned: true,
    async start(context: RecipeContext): Promise<Child> {
      const { user, env, signal, work, progress } = context;
      if (user.firstSubordinateUid === undefined)
        throw new SandboxError(
          'LAYER_BUILD_FAILED',
          `Cannot build layers: "${user.name}" has no 65536 ids in /etc/subuid`,
          {
            hint: 'script/setup gives them',
          },
        );
      const dump = await run(['apt-config', 'dump', 'Acquire'], 'apt-config', { env, signal });
      const input = { sources, logins, options: networkOptions(dump), hostLogins: host.logins };
      const files = await writeAptFiles(work.userPath, input, user);
      const line = treeLineAs(user, bootstrapLine(suite, files));
      return new Child(line, 'mmdebstrap', {
        output: 'pipe',
        env: { ...env, TMPDIR: work.userPath, SOURCE_DATE_EPOCH: String(LAYER_TIME_SECONDS) },
        signal,
        onLine: (text) => {
          const step = /^I: (.+?)(?:\.\.\.)?$/.exec(text)?.[1];
          if (step !== undefined && !step.startsWith('running ')) progress.step(step);
        },
      });
    },
  };
}

/** mmdebstrap(1) in a user namespace of the build user: no root anywhere. */
function bootstrapLine(suite: DebianSuite, files: { sourcesPath: string; optionsPath: string }): string[] {
  return [
    ...['mmdebstrap', '--mode=unshare', '--variant=minbase', '--format=tar', `--include=${PACKAGES.join(',')}`],
    `--aptopt=${files.optionsPath}`,
    // Device nodes in a layer cannot be opened: a sandbox gets its own /dev.
    '--skip=output/dev',
    // Else mmdebstrap takes its own, and with it ours, away again at the end. start-stop-daemon is disarmed meanwhile all the same.
    '--skip=chroot/policy-rc.d',
    `--customize-hook=${FINISH}`,
    ...[suite, '-', files.sourcesPath],
  ];
}
