type Environment = Readonly<Record<string, string>>;

const STANDARD_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * The environment of every command of a sandbox, from its layers and from nothing else: least of all from the daemon's.
 * Higher layers win; their `PATH` folders come before those of lower layers, and the standard ones come last.
 *
 * @param layers lowest first
 */
export function sandboxEnvironment(layers: readonly Environment[]): Record<string, string> {
  const env: Record<string, string> = { HOME: '/root', LANG: 'C.UTF-8', TERM: 'dumb' };
  for (const layer of layers) Object.assign(env, layer);
  env.PATH = joinPaths(layers.map((layer) => layer.PATH).toReversed());
  return env;
}

function joinPaths(paths: readonly (string | undefined)[]): string {
  const folders = paths.flatMap((path) => path?.split(':') ?? []);
  // An empty or relative entry would mean the working directory: a planted `ls` in a cloned repository would be run.
  const absolute = [...folders, ...STANDARD_PATH].filter((folder) => folder.startsWith('/'));
  return [...new Set(absolute)].join(':');
}
