/** Installed packages and their versions from `/var/lib/dpkg/status` (deb822, dpkg(1)), sorted by name. */
export function parseDpkgStatus(status: string): Record<string, string> {
  const packages: [string, string][] = [];
  for (const paragraph of status.split(/\n{2,}/)) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1]?.trim();
    const [name, version] = [field('Package'), field('Version')];
    if (name !== undefined && version !== undefined && field('Status')?.endsWith(' installed') === true)
      packages.push([name, version]);
  }
  return Object.fromEntries(packages.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
