import type { Command } from 'commander';
import type { CreateBody } from '../../client/wire.ts';
import type { Cli } from '../cli.ts';
import { withJson } from '../json-flag.ts';
import { addWords, positiveNumber, wholeNumber } from '../option-values.ts';
import { healthLines, infoLines, logsTable, modulesTable, sandboxesTable } from '../sandbox-tables.ts';

interface Json {
  readonly json?: boolean;
}

interface CreateFlags extends Json {
  readonly cpu?: number;
  readonly memory?: number;
  readonly lifetime?: number;
  readonly allowNet?: readonly string[];
  readonly nesting?: boolean;
}

/** Adds `create info list logs modules health destroy`: what the seed's `sq-ctl` does, each one call of the API. */
export function addSandboxCommands(program: Command, cli: Cli): void {
  addCreate(program, cli);
  addReaders(program, cli);
  withJson(program.command('destroy'))
    .description('End a sandbox with all its processes and delete what was written in it.')
    .summary('end a sandbox')
    .argument('<id>')
    .action(async (id: string) => {
      await (await cli.client()).destroy(id);
    });
}

function addCreate(program: Command, cli: Cli): void {
  withJson(program.command('create'))
    .summary('make a sandbox from layers')
    .description('Make a sandbox from layers. It runs until it is destroyed or expires.')
    .argument('<id>', '1 to 64 of A-Z a-z 0-9 _ and -')
    .argument('[owner]', 'whose it is (default: anon)')
    .argument('[layers]', 'names separated by commas (default: SQUASH_DEFAULT_LAYERS of the daemon)')
    .argument('[task]', 'what it is for')
    .option('--cpu <cores>', 'cores, fractions allowed (default: 2)', positiveNumber)
    .option('--memory <MiB>', 'memory in MiB (default: 1024)', wholeNumber)
    .option('--lifetime <seconds>', 'destroy it after so long; 0 = never (default: 0)', wholeNumber)
    .option('--allow-net <hosts>', 'what it may reach: names separated by commas, or "none"', addWords)
    .option('--nesting', 'let it make user namespaces of its own')
    .action(async (id, owner, layers, task, _flags: CreateFlags, command: Command) => {
      const flags = command.optsWithGlobals<CreateFlags>();
      const info = await (await cli.client()).create(createBody({ id, owner, layers, task }, flags));
      if (flags.json === true) await cli.printJson(info);
      else await cli.print(infoLines(info, { width: cli.width, now: new Date() }));
    });
}

type CreateWords = Readonly<Record<'id' | 'owner' | 'layers' | 'task', string | undefined>> & { readonly id: string };

function createBody({ id, owner, layers, task }: CreateWords, flags: CreateFlags): CreateBody {
  return {
    id,
    ...(owner === undefined ? {} : { owner }),
    // An empty word leaves the layers to the daemon and lets a task follow.
    ...(layers === undefined || layers === '' ? {} : { layers }),
    ...(task === undefined ? {} : { task }),
    ...(flags.cpu === undefined ? {} : { cpu: flags.cpu }),
    ...(flags.memory === undefined ? {} : { memory_mb: flags.memory }),
    ...(flags.lifetime === undefined ? {} : { max_lifetime_s: flags.lifetime }),
    ...(flags.allowNet === undefined ? {} : { allow_net: flags.allowNet }),
    ...(flags.nesting === true ? { nesting: true } : {}),
  };
}

function addReaders(program: Command, cli: Cli): void {
  const reader = (name: string, summary: string) => withJson(program.command(name)).summary(summary);

  /** Prints the API's answer, or what `lines` makes of it. */
  const show = async <T>(command: Command, answer: T, lines: (answer: T) => string[]): Promise<void> => {
    if (command.optsWithGlobals<Json>().json === true) await cli.printJson(answer);
    else await cli.print(lines(answer));
  };
  const table = () => ({ width: cli.width, now: new Date() });

  reader('list', 'show all sandboxes').action(async (_flags, command: Command) => {
    await show(command, await (await cli.client()).list(), (all) => sandboxesTable(all, table()));
  });
  reader('info', 'show one sandbox')
    .argument('<id>')
    .action(async (id: string, _flags, command: Command) => {
      await show(command, await (await cli.client()).info(id), (info) => infoLines(info, table()));
    });
  reader('logs', 'show the commands that ran in a sandbox')
    .argument('<id>')
    .action(async (id: string, _flags, command: Command) => {
      await show(command, await (await cli.client()).logs(id), (results) => logsTable(results, cli.width));
    });
  reader('modules', 'show the layers of the host').action(async (_flags, command: Command) => {
    await show(command, await (await cli.client()).modules(), (all) => modulesTable(all, cli.width));
  });
  reader('health', 'ask the daemon how it is').action(async (_flags, command: Command) => {
    await show(command, await (await cli.client()).health(), (health) => healthLines(health, cli.width));
  });
}
