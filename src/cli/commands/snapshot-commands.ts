import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { withJson } from '../json-flag.ts';
import { wholeNumber } from '../option-values.ts';
import { infoLines, sandboxesTable } from '../sandbox-tables.ts';
import { madeLine, snapshotsTable, takenLine } from '../snapshot-tables.ts';
import { TerminalProgress } from '../terminal-progress.ts';

interface Replace {
  readonly replace?: boolean;
}

interface Json {
  readonly json?: boolean;
}

/** Adds `activate snapshot restore fork promote snapshots`. */
export function addSnapshotCommands(program: Command, cli: Cli): void {
  const now = () => ({ width: cli.width, now: new Date() });

  /** Prints the API's answer, or what `lines` makes of it. */
  async function show<T>(command: Command, answer: T, lines: (answer: T) => string[]): Promise<void> {
    if (command.optsWithGlobals<Json>().json === true) await cli.printJson(answer);
    else await cli.print(lines(answer));
  }

  withJson(program.command('activate'))
    .summary('add a layer to a sandbox')
    .description('Add a layer to a sandbox. What was written in it is kept.')
    .argument('<id>')
    .argument('<layer>')
    .action(async (id: string, layer: string, _flags, command: Command) => {
      const info = await (await cli.client()).activate(id, layer);
      await show(command, info, (changed) => infoLines(changed, now()));
    });

  const snapshot = withJson(program.command('snapshot'))
    .summary('keep what was written in a sandbox')
    .description('Keep what was written in a sandbox. It stands still for a moment, and goes on.')
    .argument('<id>')
    .argument('[label]', 'what to call it (default: the time, YYYYMMDD-HHMMSS)')
    .action(async (id: string, label: string | undefined, _flags, command: Command) => {
      const client = await cli.client();
      const taken = await withProgress(cli, `Taking a snapshot of ${id}`, () => client.snapshot(id, label));
      await show(command, taken, (answer) => [takenLine(answer)]);
    });
  withJson(snapshot.command('rm'))
    .summary('delete a snapshot')
    .description('Delete a snapshot that no sandbox and no other snapshot stands on.')
    .argument('<id>')
    .argument('<label>')
    .action(async (id: string, label: string) => {
      await (await cli.client()).removeSnapshot(id, label);
    });

  withJson(program.command('restore'))
    .summary('bring a snapshot back')
    .description('Bring a snapshot back. What was written in the sandbox since is gone.')
    .argument('<id>')
    .argument('<label>')
    .action(async (id: string, label: string, _flags, command: Command) => {
      const info = await (await cli.client()).restore(id, label);
      await show(command, info, (restored) => infoLines(restored, now()));
    });

  withJson(program.command('fork'))
    .summary('make sandboxes that start on what this one has written')
    .description('Make sandboxes that start on what this one has written. They share nothing afterwards.')
    .argument('<id>')
    .argument('<new>', 'what to call it; several get -1, -2 … behind it')
    .option('--count <n>', 'how many (default: 1)', wholeNumber)
    .action(async (id: string, newId: string, flags: { count?: number }, command: Command) => {
      const client = await cli.client();
      const forks = await withProgress(cli, `Forking ${id}`, () => client.fork(id, newId, flags.count ?? 1));
      await show(command, forks, (all) => sandboxesTable(all, now()));
    });

  withReplace(program.command('promote'))
    .summary('make a layer of a snapshot')
    .description('Make a layer of a snapshot and those that it stands on.')
    .argument('<id>')
    .argument('<label>')
    .argument('<NNN-name>')
    .action(async (id: string, label: string, layer: string, _flags, command: Command) => {
      const client = await cli.client();
      const replace = command.optsWithGlobals<Replace>().replace === true;
      const made = await withProgress(cli, `Making ${layer}`, () => client.promote(id, label, { layer, replace }));
      await show(command, made, (answer) => [madeLine(answer)]);
    });

  withJson(program.command('snapshots'))
    .summary('show the snapshots of a sandbox')
    .description('Show the snapshots of a sandbox, oldest first, also when it is gone.')
    .argument('<id>')
    .action(async (id: string, _flags, command: Command) => {
      await show(command, await (await cli.client()).snapshots(id), (all) => snapshotsTable(all, now()));
    });
}

function withReplace(command: Command): Command {
  return withJson(command).option('--replace', 'let the name point to this, although it points to something else');
}

/** Tells that it is at work when that takes longer than a person waits gladly. */
async function withProgress<T>(cli: Cli, text: string, work: () => Promise<T>): Promise<T> {
  using progress = new TerminalProgress(cli.io.stderr);
  const timer = setTimeout(() => progress.step(text), PATIENCE_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

const PATIENCE_MS = 1000;
