import { type BenchContext, type BenchGroup, timeMs } from '../context.ts';
import { median } from '../samples.ts';
import { World } from '../world.ts';

const SANDBOXES = 100;

/** From `kill -9` of the daemon to the next one serving. */
export const adopt: BenchGroup = {
  name: 'adopt',
  about: `a daemon that starts over ${SANDBOXES} sandboxes`,
  async measure(context) {
    await using world = await World.start();
    const without = await restart(world, context);
    for (let i = 0; i < SANDBOXES; i++) await world.create(`kept-${i}`);
    const value = await restart(world, context);
    return [
      {
        name: `kill -9 to serving, ${SANDBOXES} sandboxes`,
        value,
        unit: 'ms',
        yardsticks: [{ name: 'with none', value: without }],
      },
    ];
  },
};

async function restart(world: World, { repeats }: BenchContext): Promise<number> {
  const { installation } = world;
  const samples: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const served = installation.waitForDaemon();
    samples.push(
      await timeMs(() => {
        installation.killDaemon();
        return served;
      }),
    );
  }
  await world.reconnect();
  return median(samples);
}
