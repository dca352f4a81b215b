import { posix } from 'node:path';
import type { ProjectFile } from '../support/project-files.ts';

// What each part of src/ may import besides itself and Node's modules, by the first path that fits. The order is the direction:
// bin → app → api → features → ports → domain; drivers → ports; cli → client; lib imports nothing of ours.
const PARTS: ReadonlyArray<readonly [part: string, path: RegExp, mayImport: readonly string[]]> = [
  // Shapes that both ends of a connection use.
  ['wire', /^src\/(sandboxes\/types|api\/v1\/exec-wire)\.ts$/, ['domain', 'lib']],
  ['bin', /^src\/bin\//, ['app', 'cli', 'config', 'domain', 'lib']],
  ['app', /^src\/app\.ts$/, ['api', 'features', 'drivers', 'ports', 'config', 'wire', 'domain', 'lib']],
  ['api', /^src\/api\//, ['features', 'ports', 'config', 'wire', 'domain', 'lib']],
  ['features', /^src\/(sandboxes|snapshots|layers|processes|files)\//, ['ports', 'config', 'wire', 'domain', 'lib']],
  ['ports', /^src\/runtime\/[^/]+\.ts$/, ['domain', 'lib']],
  ['drivers', /^src\/runtime\/[^/]+\//, ['ports', 'domain', 'lib']],
  ['config', /^src\/config\//, ['domain', 'lib']],
  // The CLI builds layers also where no daemon runs.
  ['cli', /^src\/cli\//, ['client', 'features', 'config', 'wire', 'domain', 'lib']],
  ['client', /^src\/client\//, ['wire', 'domain', 'lib']],
  ['domain', /^src\/domain\//, ['lib']],
  ['lib', /^src\/lib\//, []],
];

function partOf(path: string): (typeof PARTS)[number] | undefined {
  return PARTS.find(([, pattern]) => pattern.test(path));
}

/** Relative imports of a file, as paths from the root of the project. */
export function importsOf({ path, text }: ProjectFile): string[] {
  // `import x from '…'`, `export * from '…'`, `import '…'`, `import('…')`, over several lines too, but not in comments.
  const code = text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  const specifiers = code.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g);
  return Array.from(specifiers, ([, specifier = '']) => posix.join(posix.dirname(path), specifier));
}

/** One line per import against the direction, and per file that belongs to no part. */
export function findWrongImports(files: readonly ProjectFile[]): string[] {
  return files.flatMap((file) => {
    const importer = partOf(file.path);
    if (importer === undefined) return [`${file.path} belongs to no part`];
    const [part, , mayImport] = importer;
    return importsOf(file)
      .filter((target) => {
        const imported = partOf(target)?.[0] ?? target;
        return imported !== part && !mayImport.includes(imported);
      })
      .map((target) => `${file.path} (${part}) imports ${target}`);
  });
}
