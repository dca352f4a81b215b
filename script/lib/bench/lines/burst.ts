import { type BenchContext, type BenchGroup, timeMs } from '../context.ts';
import { HttpConnection } from '../http-connection.ts';
import type { Yardstick } from '../line.ts';
import { median } from '../samples.ts';
import { World } from '../world.ts';
import { YardstickTree } from '../yardsticks/yardstick-tree.ts';

const SANDBOXES = 100;
const PROCESSORS = 2;

/** Many who want a sandbox in the same moment, each over a connection of its own. */
export const burst: BenchGroup = {
  name: 'burst',
  about: `${SANDBOXES} creates at once, each answered a command`,
  async measure(context) {
    const many = await measureWith(SANDBOXES, context);
    const few = await measureWith(8, context);
    const name = `${SANDBOXES} creates at once, each an echo`;
    return [
      { name: `${name}, ${SANDBOXES} ready`, value: many.burstMs, unit: 'ms', goal: 300, yardsticks: [many.crun] },
      { name: `${name}, 8 ready`, value: few.burstMs, unit: 'ms', yardsticks: [few.crun] },
    ];
  },
};

async function measureWith(ready: number, { repeats }: BenchContext): Promise<{ burstMs: number; crun: Yardstick }> {
  await using world = await World.start({ ready });
  const connections = await Promise.all(
    Array.from({ length: SANDBOXES }, () => HttpConnection.open(world.installation.url)),
  );
  const bursts: number[] = [];
  const crunRuns: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const answerOne = async (http: HttpConnection, index: number) => {
      const id = `burst-${repeat}-${index}`;
      await world.create(id, { http });
      await world.exec(id, 'echo hi', http);
    };
    bursts.push(await timeMs(() => Promise.all(connections.map(answerOne))));
    await world.destroyAll();
    await world.quiet();
    crunRuns.push(await timeCrunRuns(world));
  }
  for (const connection of connections) connection[Symbol.dispose]();
  const name = `${SANDBOXES} × crun run, ${PROCESSORS} at a time`;
  return { burstMs: median(bursts), crun: { name, value: median(crunRuns) } };
}

async function timeCrunRuns(world: World): Promise<number> {
  using tree = new YardstickTree(world.installation);
  await using first = tree.crunRun(['/bin/echo', 'hi']);
  await using second = tree.crunRun(['/bin/echo', 'hi']);
  const runHalf = async (crun: typeof first) => {
    for (let i = 0; i < SANDBOXES / PROCESSORS; i++) await crun.run();
  };
  await Promise.all([first.run(), second.run()]);
  // Awaited here: the programs live as long as this function.
  return await timeMs(() => Promise.all([runHalf(first), runHalf(second)]));
}
