import { readdir, readFile } from 'node:fs/promises';

/** Loop devices with a file behind them. The bare device nodes stay for reuse and are no leak. */
export async function listLoops(): Promise<Set<string>> {
  const loops = new Set<string>();
  for (const name of await readdir('/sys/block')) {
    if (!name.startsWith('loop')) continue;
    // The file is there only while the device is attached.
    const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => undefined);
    if (file !== undefined) loops.add(`/dev/${name} of ${file.trim()}`);
  }
  return loops;
}
