// Bundles every program of src/bin/ into one file of dist/, dependencies included: an installation is a handful of files.
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const programs = (await readdir(join(root, 'src/bin'))).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
);

// CommonJS dependencies call require() for Node's own modules, which an ES module does not have.
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" +
  ' const __filename = import.meta.filename; const __dirname = import.meta.dirname;';

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: programs.map((name) => `src/bin/${name}`),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.18',
  sourcemap: 'external',
  banner: { js: banner },
  logLevel: 'warning',
  write: false,
});

const dist = join(root, 'dist');
await mkdir(dist, { recursive: true });
for (const file of outputFiles) {
  await writeFile(`${file.path}.new`, file.contents);
  await rename(`${file.path}.new`, file.path);
}
const built = new Set(outputFiles.map((file) => basename(file.path)));
for (const name of await readdir(dist)) if (!built.has(name)) await rm(join(dist, name), { recursive: true });
