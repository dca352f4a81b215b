import { readFile } from 'node:fs/promises';

/** Bound unix sockets, abstract ones (`@name`) too. A socket outlives its file, and the file outlives its socket. */
export async function listSockets(): Promise<Set<string>> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).trimEnd().split('\n').slice(1);
  // Num RefCount Protocol Flags Type St Inode Path
  return new Set(lines.map((line) => line.trim().split(/\s+/).slice(7).join(' ')).filter((path) => path !== ''));
}
