import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

const NAMES = ['a', 'b', 'c'];
const DEPTH = 4;

function must(argv: readonly string[]): void {
  const { status, stderr } = run(argv);
  if (status !== 0) throw new Error(`Cannot run ${argv.join(' ')}: ${stderr}`);
}

/** The same one in layer after layer: few names and few levels, so that layers meet in all of them. */
export interface RandomLayerOptions {
  readonly random: () => number;
  /** Whether it has the marks with which a layer takes away from those below it. */
  readonly marks: boolean;
}

/** Fills a folder with a random tree of folders, files, links, whiteouts and opaque folders. */
export function fillRandomLayer(folder: string, { random, marks }: RandomLayerOptions, depth = 0): void {
  const pick = (count: number) => Math.floor(random() * count);
  let earlier: string | undefined;
  let whiteouts = false;
  for (const name of NAMES) {
    const path = join(folder, name);
    const kind = pick(marks ? 10 : 7);
    if (kind < 4 && depth < DEPTH) {
      mkdirSync(path);
      fillRandomLayer(path, { random, marks }, depth + 1);
      if (marks && pick(4) === 0) must(['setfattr', '-n', 'user.overlay.opaque', '-v', 'y', path]);
      utimesSync(path, 0, pick(1e9));
    } else if (kind < 5) {
      writeFileSync(path, `${pick(1e9)}`, { mode: pick(2) === 0 ? 0o640 : 0o755 });
      utimesSync(path, 0, pick(1e9));
      earlier = path;
    } else if (kind === 5 && earlier !== undefined) linkSync(earlier, path);
    else if (kind === 6) symlinkSync(`to-${pick(1e9)}`, path);
    else if (kind > 7) {
      must(['mknod', path, 'c', '0', '0']);
      whiteouts = true;
    }
  }
  // As captures mark it: else the kernel lists the whiteouts of a folder that no other layer has.
  if (whiteouts && depth > 0) must(['setfattr', '-n', 'user.overlay.origin', folder]);
}

/** A shell line that changes the same tree at random, as root of a sandbox does it. */
export function randomChanges(random: () => number): string {
  const name = () => NAMES[Math.floor(random() * NAMES.length)] ?? '';
  const path = () => Array.from({ length: 1 + Math.floor(random() * DEPTH) }, name).join('/');
  const changes = [
    () => `rm -rf ${path()}`,
    () => `mkdir -p ${path()}`,
    () => `echo ${Math.floor(random() * 1e9)} > ${path()}`,
    () => `mv ${path()} ${path()}`,
    () => `rm -rf ${name()}; mkdir -p ${path()}`,
    // Kernel: a link cannot carry the mark that lets a copied-up file keep its inode number.
    () => `from=${path()}; [ -L $from ] || ln $from ${path()}`,
    () => `chmod 711 ${path()}`,
  ];
  const lines = Array.from({ length: 12 }, () => changes[Math.floor(random() * changes.length)]?.());
  return lines.map((line) => `{ ${line}; } 2>/dev/null || true`).join('\n');
}
