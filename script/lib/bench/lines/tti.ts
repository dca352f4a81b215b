import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { INSTALLED } from '../../../../test/support/installed.ts';
import { type BenchGroup, timeMs } from '../context.ts';
import { median } from '../samples.ts';
import { TimedProgram } from '../timed-program.ts';
import { World } from '../world.ts';

const NODE = `${INSTALLED}/node`;
const LAYERS = ['000-base-test', '010-node'];
const WARM_UP = 3;

/** As public comparisons of sandboxes measure "time to interactive": create, then the version of Node. */
export const tti: BenchGroup = {
  name: 'tti',
  about: 'create, then node -v',
  async measure({ rounds }) {
    await using world = await World.start({ layers: { '010-node': fillNode } });
    await using plain = TimedProgram.of([NODE, '-v']);
    const samples = { sandbox: [] as number[], plain: [] as number[] };
    for (let round = 0; round < WARM_UP + rounds / 4; round++) {
      const ms = await timeMs(async () => {
        await world.create('node', { body: { layers: LAYERS } });
        await world.exec('node', 'node -v');
      });
      await world.destroy('node');
      await world.quiet();
      const { firstOutputMs } = await plain.run();
      if (round < WARM_UP) continue;
      samples.sandbox.push(ms);
      samples.plain.push(firstOutputMs);
    }
    return [
      {
        name: 'create, then node -v, p50',
        value: median(samples.sandbox),
        unit: 'ms',
        yardsticks: [{ name: 'node -v outside', value: median(samples.plain) }],
      },
    ];
  },
};

/** This machine's Node with the libraries that it is linked with, at the same places. */
function fillNode(folder: string): void {
  const libraries = execFileSync('ldd', [NODE], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  copy(NODE, join(folder, 'usr/bin/node'));
  for (const [, library = ''] of libraries) copy(library, join(folder, library));
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
