/** What builders see of the environment: nothing of the caller's but where the network's proxies are. */
export function builderEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const proxies = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'];
  const kept = proxies.flatMap((name) => [name, name.toUpperCase()]);
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    // Names are bytes: sorting, matching and messages must not depend on the caller's language or time zone.
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    ...Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
  };
}
