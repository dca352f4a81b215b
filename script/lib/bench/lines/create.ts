import { type BenchGroup, timeMs } from '../context.ts';
import { median, quantile } from '../samples.ts';
import { World } from '../world.ts';
import { YardstickTree } from '../yardsticks/yardstick-tree.ts';

const WARM_UP = 5;

/** From nothing to the output of a first command, and back. Each round also runs the yardsticks, at rest in between. */
export const create: BenchGroup = {
  name: 'create',
  about: 'create to the output of the first echo; destroy',
  async measure({ rounds }) {
    await using world = await World.start();
    using tree = new YardstickTree(world.installation);
    await using crun = tree.crunRun(['/bin/echo', 'hi']);
    await using bwrap = tree.bwrap(['/bin/echo', 'hi']);
    const samples = { echo: [] as number[], destroy: [] as number[], crun: [] as number[], bwrap: [] as number[] };
    for (let round = 0; round < WARM_UP + rounds; round++) {
      const id = `first-${round}`;
      const echoMs = await timeMs(async () => {
        await world.create(id);
        await world.exec(id, 'echo hi');
      });
      const destroyMs = await timeMs(() => world.destroy(id));
      await world.quiet();
      const { firstOutputMs: crunMs } = await crun.run();
      const { firstOutputMs: bwrapMs } = await bwrap.run();
      if (round < WARM_UP) continue;
      samples.echo.push(echoMs);
      samples.destroy.push(destroyMs);
      samples.crun.push(crunMs);
      samples.bwrap.push(bwrapMs);
    }
    return [
      {
        name: 'create to first echo, p50',
        value: median(samples.echo),
        unit: 'ms',
        goal: 5,
        yardsticks: [
          { name: 'crun run', value: median(samples.crun), maxRatio: 0.8 },
          { name: 'bwrap', value: median(samples.bwrap) },
        ],
      },
      {
        name: 'create to first echo, p99',
        value: quantile(samples.echo, 0.99),
        unit: 'ms',
        goal: 25,
        yardsticks: [{ name: 'crun run', value: quantile(samples.crun, 0.99) }],
      },
      { name: 'destroy, p50', value: median(samples.destroy), unit: 'ms', yardsticks: [] },
    ];
  },
};
