import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT, readProjectFiles } from './project-files.ts';

export interface CheckoutCopy extends Disposable {
  readonly path: string;
}

/** What a fresh clone of the working tree would hold, and nothing that was built. `mode` is that of its folder. */
export function copyCheckout(name: string, options: { readonly mode: number }): CheckoutCopy {
  const path = join(tmpdir(), name);
  mkdirSync(path, { mode: options.mode });
  for (const file of readProjectFiles(/./)) {
    mkdirSync(dirname(join(path, file.path)), { recursive: true });
    cpSync(join(PROJECT_ROOT, file.path), join(path, file.path));
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
