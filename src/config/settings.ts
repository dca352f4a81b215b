import { SandboxError } from '../domain/errors.ts';
import { type Setting, SettingProblem } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

export type SettingKey = keyof typeof SETTINGS;

/** Parsed settings; what is empty in the table's sense is `''`, `[]` or undefined as the setting says. */
export type Settings = { readonly [K in SettingKey]: ReturnType<(typeof SETTINGS)[K]['parse']> };

/** Environment variables of ours that are no settings: how the broker hands things to the daemon. */
const INTERNAL = new Set(['SQUASH_BROKER_FD', 'SQUASH_RUN']);

export interface ReadSettings {
  readonly settings: Settings;
  /** `SQUASH_` variables that nothing reads: most often a slip of the pen. */
  readonly unknown: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws SETTINGS_INVALID with one message that lists every problem */
export function readSettings(env: Environment): ReadSettings {
  const problems: string[] = [];
  const values: Partial<Record<SettingKey, unknown>> = {};
  const known = new Set(INTERNAL);
  for (const [key, setting] of Object.entries(SETTINGS) as [SettingKey, Setting<unknown>][]) {
    known.add(setting.name);
    if (setting.alias !== undefined) known.add(setting.alias);
    try {
      values[key] = setting.parse(textOf(setting, env));
    } catch (error) {
      if (!(error instanceof SettingProblem)) throw error;
      problems.push(describe(setting, env, error));
    }
  }
  if (values.upper === 'btrfs' && values.pool === undefined)
    problems.push('SQUASH_POOL is empty, although SQUASH_UPPER is "btrfs": name a folder on btrfs, or an image of one');
  if (problems.length > 0)
    throw new SandboxError('SETTINGS_INVALID', `Cannot read the settings: ${problems.join('; ')}`);
  const unknown = Object.keys(env).filter((name) => name.startsWith('SQUASH_') && !known.has(name));
  return { settings: values as Settings, unknown };
}

/** The address to listen on: without a token, nothing but this host may reach the API unless someone says so. */
export function listenAddress(settings: Pick<Settings, 'listen' | 'authToken'>): string {
  if (settings.listen !== '') return settings.listen;
  return settings.authToken === '' ? '127.0.0.1' : '0.0.0.0';
}

/** The daemon that a client on this machine talks to. */
export function apiUrl(settings: Pick<Settings, 'api' | 'port'>): string {
  return settings.api === '' ? `http://localhost:${settings.port}` : settings.api;
}

function textOf(setting: Setting<unknown>, env: Environment): string {
  const text = env[setting.name] ?? '';
  const other = setting.alias === undefined ? '' : (env[setting.alias] ?? '');
  if (text !== '' && other !== '' && text !== other)
    throw new SettingProblem(`is not what ${setting.alias} says ("${other}")`);
  return text || other || setting.defaultText;
}

function describe(setting: Setting<unknown>, env: Environment, problem: SettingProblem): string {
  // The value of a malformed token is still a secret.
  const value =
    setting.name === SETTINGS.authToken.name ? '' : ` "${env[setting.name] || env[setting.alias ?? ''] || ''}"`;
  return `${setting.name}${value} ${problem.message}`;
}
