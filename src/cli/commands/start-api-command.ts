import { mkdir, realpath } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Settings } from '../../config/settings.ts';
import { SandboxError } from '../../domain/errors.ts';
import { requireRoot } from '../build-command.ts';
import type { Cli } from '../cli.ts';
import { programPath } from '../program-path.ts';
import { withSettingsFile } from '../settings-file.ts';

const SAFE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Adds `start-api`: this process becomes what `script/squashd` starts. */
export function addStartApiCommand(program: Command, cli: Cli): void {
  program
    .command('start-api')
    .summary('run the daemon in the foreground')
    .description('Run the daemon in the foreground, with settings from the environment and /etc/squash/squash.env.')
    .action(async () => {
      const settings = await cli.settings();
      const env = daemonEnvironment(await withSettingsFile(cli.io.env));
      const isAlone = settings.backend === 'memory' && process.geteuid?.() !== 0;
      if (!isAlone) requireRoot('the daemon');
      await mkdir(settings.dataDir, { recursive: true });
      env.SQUASH_DATA = await realpath(settings.dataDir);
      delete env.SQUASH_DATA_DIR;
      const find = (name: string) => programPath(name, cli.io);
      const line = isAlone ? daemonLine(find) : brokerLine(find, { ...settings, dataDir: env.SQUASH_DATA });
      process.execve?.(line[0] ?? '', line, env);
      throw new Error('this Node has no process.execve');
    });
}

type Find = (program: string) => string;

/** The program and arguments that `script/squashd` starts. */
export function brokerLine(find: Find, settings: Pick<Settings, 'uidBase' | 'readyUppers' | 'dataDir'>): string[] {
  if (settings.uidBase === undefined)
    throw new SandboxError('SETTINGS_INVALID', 'Cannot start the daemon: SQUASH_UID_BASE is not set', {
      hint: 'script/setup chooses it and writes it to /etc/squash/squash.env',
    });
  return [
    ...[find('squash-broker'), 'serve', '--data', settings.dataDir, '--user', 'squash', '--group', 'squash'],
    ...['--uid-base', String(settings.uidBase), '--ready', String(settings.readyUppers)],
    ...['--agent', find('squash-agent'), '--', ...daemonLine(find)],
  ];
}

/** The Node that runs us is the one that the daemon is meant for. */
function daemonLine(find: Find): string[] {
  return [process.execPath, find('squashd.mjs')];
}

/** The daemon sees the settings and PATH, nothing else of the caller's environment. */
function daemonEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const settings = Object.entries(env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && /^(?:SQUASH|AWS|TAILSCALE)_[A-Z0-9_]+$/.test(pair[0]),
  );
  const { SQUASH_LIB: _, ...rest } = Object.fromEntries(settings);
  return { PATH: SAFE_PATH, ...rest };
}
