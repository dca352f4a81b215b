import { join } from 'node:path';
import type { SquashClient } from '../client/client.ts';
import { apiUrl, type Settings } from '../config/settings.ts';
import { LayerStore } from '../layers/layer-store.ts';
import { type Check, fault, lack, ok } from './doctor-check.ts';

/** Whether the layers are there that a create gets which names none. */
export async function checkLayers(settings: Pick<Settings, 'dataDir' | 'defaultLayers'>): Promise<Check> {
  const name = 'layers';
  try {
    const names = await new LayerStore(join(settings.dataDir, 'modules')).names();
    const missing = settings.defaultLayers.filter((layer) => !names.includes(layer));
    if (missing.length === 0) return ok(name, `${names.length} in ${settings.dataDir}`);
    const remedy = names.some((each) => each.startsWith('000-'))
      ? 'set SQUASH_DEFAULT_LAYERS'
      : 'squash sq-mkbase debian';
    return lack(name, `${names.length} in ${settings.dataDir}, without ${missing.join(', ')}`, remedy);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EACCES') return lack(name, 'not looked at: only root can', 'run squash doctor as root');
    return fault(name, `${settings.dataDir} cannot be read (${code})`);
  }
}

/** Whether the daemon answers, and takes our token. */
export async function checkDaemon(client: SquashClient, settings: Settings): Promise<Check> {
  const name = 'daemon';
  try {
    const health = await client.health();
    const sandboxes = await client.list();
    return ok(name, `${apiUrl(settings)}, backend ${health.backend}, ${sandboxes.length} sandboxes`);
  } catch (error) {
    return fault(name, (error as Error).message, 'script/squashd starts it; SQUASH_API names another');
  }
}
