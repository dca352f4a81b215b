import { type BenchGroup, timeMs } from '../context.ts';
import { median, quantile } from '../samples.ts';
import { TimedProgram } from '../timed-program.ts';
import { World } from '../world.ts';
import { YardstickTree } from '../yardsticks/yardstick-tree.ts';

const WARM_UP = 50;
const PER_ROUND = 5;

/** A command in a sandbox that runs, over one kept connection. */
export const exec: BenchGroup = {
  name: 'exec',
  about: 'exec of true',
  async measure({ rounds }) {
    await using world = await World.start();
    using tree = new YardstickTree(world.installation);
    await world.create('busy');
    for (let i = 0; i < WARM_UP; i++) await world.exec('busy', 'true');
    const pid = String(world.initPid('busy'));
    await using nsenter = TimedProgram.of(['nsenter', '-t', pid, '-a', '/bin/true']);
    await using crun = tree.crunExec(['/bin/true']);
    const samples = { exec: [] as number[], nsenter: [] as number[], crun: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < PER_ROUND; i++) samples.exec.push(await timeMs(() => world.exec('busy', 'true')));
      samples.nsenter.push((await nsenter.run()).wholeMs);
      samples.crun.push((await crun.run()).wholeMs);
    }
    return [
      {
        name: 'exec of true, p50',
        value: median(samples.exec),
        unit: 'ms',
        goal: 1,
        yardsticks: [
          { name: 'nsenter', value: median(samples.nsenter) },
          { name: 'crun exec', value: median(samples.crun) },
        ],
      },
      {
        name: 'exec of true, p99',
        value: quantile(samples.exec, 0.99),
        unit: 'ms',
        yardsticks: [{ name: 'crun exec', value: quantile(samples.crun, 0.99) }],
      },
    ];
  },
};
