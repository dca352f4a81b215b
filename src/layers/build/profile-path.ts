const ASSIGNMENT =
  /^(?:export[ \t]+)?PATH=(?:"([^"]*)"|'([^']*)'|([^\s"';&|#]*))[ \t]*(?:;[ \t]*export[ \t]+PATH[ \t]*)?(?:#.*)?$/;
const INHERITED = /^\$(?:PATH|\{PATH\})$/;
const LITERAL_FOLDER = /^\/[^$`\\"'*?[\]{}~\s:]*$/;

/**
 * Folders that a script of `/etc/profile.d` adds to PATH, in order.
 * Only whole-line literal assignments count: commands do not run in a login shell, so a layer's PATH is read, never executed.
 * A line with any other expansion is left out as a whole.
 */
export function pathAdditionsOf(script: string): string[] {
  const folders: string[] = [];
  for (const line of script.split('\n')) {
    const match = ASSIGNMENT.exec(line.trim());
    if (match === null || match[2]?.includes('$') === true) continue;
    const parts = (match[1] ?? match[2] ?? match[3] ?? '').split(':').filter((part) => !INHERITED.test(part));
    if (parts.every((part) => LITERAL_FOLDER.test(part))) folders.push(...parts);
  }
  return folders;
}
