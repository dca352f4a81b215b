import { resolve } from 'node:path';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { type LayerName, parseLayerName } from '../../domain/ids.ts';
import { DEBIAN_SUITES, debianRecipe } from '../../layers/build/recipes/debian.ts';
import { nodejs24Recipe } from '../../layers/build/recipes/nodejs24.ts';
import { treeRecipe } from '../../layers/build/recipes/tree.ts';
import { type BuildFlags, buildAndReport } from '../build-command.ts';
import type { Cli } from '../cli.ts';
import { withJson } from '../json-flag.ts';
import { recipesTable } from '../recipes-table.ts';
import { madeLine } from '../snapshot-tables.ts';

interface TreeFlags extends BuildFlags {
  readonly rootOwned?: boolean;
}

export const DEBIAN_BASE = parseLayerName('000-base-debian');
export const NODEJS24 = parseLayerName('100-nodejs24');

/** Adds `sq-mkbase` and `sq-mkmod`: layers out of recipes and folders. */
export function addLayerCommands(program: Command, cli: Cli): void {
  const bases = program.command('sq-mkbase').summary('build a base layer').description(BASE_HELP);
  withReplace(bases.command('debian').description("Build 000-base-debian from the host's APT sources."))
    .addArgument(new Argument('[suite]').choices(DEBIAN_SUITES).default('bookworm'))
    .action(async (suite: (typeof DEBIAN_SUITES)[number], _flags, command: Command) => {
      await buildAndReport(cli, await debianRecipe(suite), command.optsWithGlobals<BuildFlags>());
    });
  addFromDir(bases, { cli, name: '<name>', parse: parseBaseName });
  addList(
    bases,
    cli,
    DEBIAN_SUITES.map((suite) => ({ words: `debian ${suite}`, layer: DEBIAN_BASE })),
  );

  const layers = program.command('sq-mkmod').summary('build a layer').description(LAYER_HELP);
  withReplace(layers.command('preset').description('Build a layer from a recipe that is part of Squash.'))
    .addArgument(new Argument('<name>').choices(['nodejs24']))
    .action(async (_name: string, _flags, command: Command) => {
      await buildAndReport(cli, nodejs24Recipe(process.arch), command.optsWithGlobals<BuildFlags>());
    });
  addFromDir(layers, { cli, name: '<NNN-name>', parse: parseName });
  withReplace(layers.command('from-sandbox').description('Make a layer of what was written in a sandbox.'))
    .argument('<id>')
    .argument('<NNN-name>', '', parseName)
    .action(async (id: string, name: LayerName, _flags, command: Command) => {
      const flags = command.optsWithGlobals<BuildFlags>();
      const made = await (await cli.client()).makeLayer(id, name, { replace: flags.replace === true });
      if (flags.json === true) await cli.printJson(made);
      else await cli.print([madeLine(made)]);
    });
  addList(layers, cli, [{ words: 'preset nodejs24', layer: NODEJS24 }]);
}

const BASE_HELP = `Build a base: a layer with a whole distribution, which other layers go on.
Needs root; works with and without a running daemon, on SQUASH_DATA.`;
const LAYER_HELP = `Build a layer that goes on a base. The number decides the order, highest on top.
Needs root; works with and without a running daemon, on SQUASH_DATA.`;
const TREE_HELP = `
The layer holds what is below the folder: content, modes, numeric owners,
links, devices, user.* attributes and file capabilities. Times are not kept;
sockets and file systems mounted below are left out.
The same content gives the same bytes.`;

function withReplace(command: Command): Command {
  return withJson(command).option('--replace', 'build it again, and let the name point to the new bytes');
}

function addFromDir(parent: Command, tool: { cli: Cli; name: string; parse: (text: string) => LayerName }): void {
  withReplace(parent.command('from-dir').description('Build a layer from what a folder holds.'))
    .argument('<path>')
    .argument(tool.name, '', tool.parse)
    .option('--root-owned', 'every file belongs to root, whoever owns it in the folder')
    .addHelpText('after', TREE_HELP)
    .action(async (path: string, name: LayerName, _flags, command: Command) => {
      const flags = command.optsWithGlobals<TreeFlags>();
      await buildAndReport(tool.cli, treeRecipe(name, resolve(path), { rootOwned: flags.rootOwned === true }), flags);
    });
}

function addList(parent: Command, cli: Cli, recipes: Parameters<typeof recipesTable>[0]): void {
  parent
    .command('list')
    .description('Show what can be built, and what of it there is.')
    .action(async () => {
      const { dataDir } = await cli.settings();
      await cli.print(recipesTable(recipes, dataDir, cli.width));
    });
}

function parseName(text: string): LayerName {
  try {
    return parseLayerName(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** A base is `000-…`; a bare name gets the seed's `000-base-` in front. */
function parseBaseName(text: string): LayerName {
  const name = parseName(/^\d{3}-/.test(text) ? text : `000-base-${text}`);
  if (!name.startsWith('000-')) throw new InvalidArgumentError('A base begins with 000-; sq-mkmod builds the others.');
  return name;
}
