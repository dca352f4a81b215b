import { type BenchGroup, timeMs } from '../context.ts';
import { median } from '../samples.ts';
import { World } from '../world.ts';

const SANDBOXES = 500;

/** Whether what is quick with one sandbox stays so with many. */
export const many: BenchGroup = {
  name: 'many',
  about: `${SANDBOXES} sandboxes at once`,
  isLong: true,
  async measure({ rounds }) {
    await using world = await World.start();
    const execs = async () => {
      const samples: number[] = [];
      for (let i = 0; i < rounds; i++) samples.push(await timeMs(() => world.exec('many-0', 'true')));
      return median(samples);
    };
    await world.create('many-0');
    await execs();
    const alone = await execs();
    for (let i = 1; i < SANDBOXES; i++) await world.create(`many-${i}`);
    await world.quiet();
    const among = await execs();
    const lists: number[] = [];
    for (let i = 0; i < rounds; i++) lists.push(await timeMs(() => listAll(world)));
    await world.destroyAll();
    return [
      { name: `list of ${SANDBOXES} sandboxes, p50`, value: median(lists), unit: 'ms', goal: 20, yardsticks: [] },
      {
        name: `exec of true among ${SANDBOXES}, p50`,
        value: among,
        unit: 'ms',
        yardsticks: [{ name: 'alone', value: alone, maxRatio: 2 }],
      },
    ];
  },
};

async function listAll({ http }: World): Promise<void> {
  const { body } = await http.request('GET', '/cgi-bin/api/sandboxes');
  const { length } = JSON.parse(body) as unknown[];
  if (length !== SANDBOXES) throw new Error(`The list has ${length} sandboxes of ${SANDBOXES}`);
}
