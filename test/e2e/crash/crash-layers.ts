import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FillLayer } from '../../support/fixture-layers.ts';

/** What the sandboxes of these tests activate: each holds a file that says that it is there. */
export const CRASH_LAYERS = ['100-red', '200-blue'] as const;

export function fillCrashLayers(): Record<string, FillLayer> {
  const fill = (name: string) => (folder: string) => {
    mkdirSync(join(folder, 'layers'));
    writeFileSync(join(folder, 'layers', name), '');
  };
  return Object.fromEntries(CRASH_LAYERS.map((name) => [name, fill(name)]));
}
