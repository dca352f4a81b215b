import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lockMachine, type MachineLock } from '../../../test/support/machine-lock.ts';
import { PROJECT_ROOT } from '../../../test/support/project-files.ts';
import { describeProfiles } from './daemon-profile.ts';
import { groups } from './groups.ts';
import { isMissed, type JudgedLine, judge } from './line.ts';
import { readMachineFacts } from './machine-facts.ts';
import { formatLine, formatTable } from './table.ts';
import { profiling, World } from './world.ts';

const USAGE = `Usage: script/bench [--quick | --full] [--only GROUP]… [--json FILE]
  --quick      few rounds: to see that it works, not to compare
  --full       also what takes long
  --only       one group of lines, may be given again:
${groups.map(({ name, about, isLong }) => `                 ${name.padEnd(10)} ${about}${isLong ? ' (--full)' : ''}`).join('\n')}
  --json FILE  save every number, with the facts of this machine
  --profile FOLDER
               let the daemons write profiles there, and show what is costliest
  --no-lock    do not wait for test runs of this machine, nor make them wait
Ends with 1 when a goal is missed.`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    profile: { type: 'string' },
    'no-lock': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
const unknown = values.only.filter((name) => !groups.some((group) => group.name === name));
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`No group is called ${unknown.join(', ')}`);
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}

const wanted = groups.filter(({ name, isLong }) =>
  values.only.length > 0 ? values.only.includes(name) : values.full || isLong !== true,
);
const context = values.quick ? { rounds: 20, repeats: 1 } : { rounds: 200, repeats: 5 };

/** Tests on the same machine would change the numbers, and the bench their leak gate. */
async function takeLock(): Promise<MachineLock | undefined> {
  if (values['no-lock']) return undefined;
  console.error('waiting for test runs of this machine to end …');
  return lockMachine('/run/lock/squash-test.lock');
}

async function measure(): Promise<JudgedLine[]> {
  await using _lock = await takeLock();
  const lines: JudgedLine[] = [];
  for (const group of wanted) {
    console.error(`measuring ${group.name}: ${group.about} …`);
    const measured = (await group.measure(context)).map(judge);
    for (const text of measured.flatMap(formatLine)) console.error(text);
    lines.push(...measured);
  }
  return lines;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    console.error(`${signal}: cleaning up …`);
    void World.endAll().finally(() => process.exit(1));
  });
if (values.profile !== undefined) profiling.folder = resolve(values.profile);
const machine = readMachineFacts(PROJECT_ROOT);
const lines = await measure();
const { date, commit, kernel, cores, loadBefore } = machine;
console.log(`\n${date.slice(0, 16)} commit ${commit}, Linux ${kernel}, ${cores} cores, load ${loadBefore.toFixed(1)}`);
for (const text of formatTable(lines)) console.log(text);
if (profiling.folder !== undefined) for (const text of describeProfiles(profiling.folder)) console.log(text);
const missed = lines.filter(isMissed);
console.log(missed.length === 0 ? 'Every goal is met.' : `Missed: ${missed.map(({ name }) => name).join('; ')}`);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ format: 1, machine, ...context, lines }, undefined, 2)}\n`);
process.exitCode = missed.length === 0 ? 0 : 1;
