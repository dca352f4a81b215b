import { setTimeout as delay } from 'node:timers/promises';
import { type BenchContext, type BenchGroup, timeMs } from '../context.ts';
import { HttpConnection } from '../http-connection.ts';
import { median, quantile } from '../samples.ts';
import { World } from '../world.ts';

const BOMB = 'bomb() { bomb | bomb & }; bomb; sleep 1000';
const BOMB_TIMEOUT_S = 600;
/** Until it has reached its limit of processes. */
const SPREAD_MS = 1000;

interface Samples {
  readonly exec: number[];
  readonly create: number[];
}

/** What one sandbox feels of another one that does its worst. */
export const forkBomb: BenchGroup = {
  name: 'fork-bomb',
  about: 'exec and create beside a fork bomb',
  async measure(context) {
    await using world = await World.start();
    await world.create('calm');
    const alone = await sample(world, context);
    await world.create('bomb');
    const http = await HttpConnection.open(world.installation.url);
    const bomb = http.request('POST', '/cgi-bin/api/sandboxes/bomb/exec', { cmd: BOMB, timeout: BOMB_TIMEOUT_S });
    await delay(SPREAD_MS);
    const beside = await sample(world, context);
    // Its client leaves, and the daemon ends it.
    bomb.catch(() => undefined);
    http[Symbol.dispose]();
    await world.destroy('bomb');
    return [
      {
        name: 'exec beside a fork bomb, p50',
        value: median(beside.exec),
        unit: 'ms',
        yardsticks: [{ name: 'without', value: median(alone.exec), maxRatio: 2 }],
      },
      {
        name: 'create beside a fork bomb, p99',
        value: quantile(beside.create, 0.99),
        unit: 'ms',
        yardsticks: [{ name: 'without', value: quantile(alone.create, 0.99), maxRatio: 2 }],
      },
    ];
  },
};

async function sample(world: World, { rounds }: BenchContext): Promise<Samples> {
  const samples: Samples = { exec: [], create: [] };
  for (let i = 0; i < 10; i++) await world.exec('calm', 'true');
  for (let i = 0; i < rounds; i++) samples.exec.push(await timeMs(() => world.exec('calm', 'true')));
  for (let i = 0; i < rounds; i++) {
    const createAndEcho = async () => {
      await world.create('other');
      await world.exec('other', 'echo hi');
    };
    samples.create.push(await timeMs(createAndEcho));
    await world.destroy('other');
    await world.quiet();
  }
  return samples;
}
