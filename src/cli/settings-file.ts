import { readFile } from 'node:fs/promises';

const SETTINGS_FILE = '/etc/squash/squash.env';
const LINE = /^((?:SQUASH|AWS|TAILSCALE)_[A-Z0-9_]*)=(.*)$/;

/** `NAME=value` lines as systemd's EnvironmentFile has them; a pair of quotes around a value is taken off. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, name, value] = LINE.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values[name] = value.replace(/^(["'])(.*)\1$/, '$2');
  }
  return values;
}

/** The environment, completed with what setup wrote down for this machine; the environment wins. */
export async function withSettingsFile(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, string | undefined>>> {
  const text = await readFile(SETTINGS_FILE, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // Not set up yet; or it holds a token, and this user may not read it.
    if (error.code === 'ENOENT' || error.code === 'EACCES') return '';
    throw error;
  });
  return { ...parseEnvironmentFile(text), ...env };
}
