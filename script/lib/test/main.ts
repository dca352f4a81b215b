import { parseArgs } from 'node:util';
import { runVitest } from './run-vitest.ts';
import { type RunOptions, type Section, sections } from './sections.ts';
import { failed, judge, sum, type Tally, verdict } from './tally.ts';

const USAGE = `Usage: script/test [--long] [--only SECTION]… | script/test [--long] FILE…
  --long   the full rounds of crash and fuzz tests
  --only   one section, may be given again:
${sections.map(({ name, about }) => `             ${name.padEnd(12)} ${about}`).join('\n')}
  FILE     test files, or parts of their paths, instead of sections`;

async function runSection(section: Section, options: RunOptions): Promise<Tally> {
  if (section.needsRoot && process.getuid?.() !== 0)
    return failed(`${section.name}: needs root: run script/test as root`);
  return judge(section.name, await section.run(options));
}

interface Row {
  readonly name: string;
  readonly tally: Tally;
  readonly seconds: number;
}

async function timed(name: string, run: () => Promise<Tally>): Promise<Row> {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const tally = await run();
  const seconds = (performance.now() - started) / 1000;
  console.log(`-- ${name}: ${verdict(tally)} (${seconds.toFixed(1)} s)`);
  return { name, tally, seconds };
}

function report(rows: readonly Row[]): Tally {
  console.log('\n== summary');
  for (const { name, tally, seconds } of rows)
    console.log(`${name.padEnd(12)} ${verdict(tally).padEnd(40)} ${seconds.toFixed(1).padStart(7)} s`);
  const total = sum(rows.map(({ tally }) => tally));
  for (const { name, reason } of total.skipped) console.log(`skipped: ${name}: ${reason}`);
  for (const line of total.failures) console.log(`FAILED: ${line}`);
  console.log(verdict(total));
  return total;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h' },
  },
});
const unknown = values.only.filter((name) => !sections.some((section) => section.name === name));
if (values.help || unknown.length > 0 || (positionals.length > 0 && values.only.length > 0)) {
  if (unknown.length > 0) console.error(`No section is called ${unknown.join(', ')}`);
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}

const rows: Row[] = [];
if (positionals.length > 0) {
  const run = async (): Promise<Tally> =>
    judge('files', await runVitest(positionals, { long: values.long, timeoutMs: 60 * 60_000 }));
  rows.push(await timed('files', run));
} else {
  const wanted = sections.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  for (const section of wanted) rows.push(await timed(section.name, () => runSection(section, values)));
}
process.exitCode = report(rows).failures.length > 0 ? 1 : 0;
