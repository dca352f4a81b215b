import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Cli } from '../cli.ts';
import { copyIn } from '../copy-in.ts';
import { copyOut } from '../copy-out.ts';
import { parseCopyPlace } from '../copy-place.ts';

const HELP = `
What is copied goes into DEST when that is a folder, and becomes DEST when
nothing has that name. What comes out belongs to you, without set-uid bits and
devices; a folder that exists is never merged with.`;

/** Adds `cp`. */
export function addCopyCommand(program: Command, cli: Cli): void {
  program
    .command('cp')
    .summary('copy files and folders in and out')
    .description('Copy a file or folder into a sandbox (cp SRC ID:PATH) or out of it (cp ID:PATH DEST).')
    .argument('<src>')
    .argument('<dest>')
    .addHelpText('after', HELP)
    .action(async (sourceText: string, targetText: string) => {
      const source = parseCopyPlace(sourceText);
      const target = parseCopyPlace(targetText);
      const context = { client: await cli.client(), signal: cli.interruption(), env: cli.io.env };
      if (source.id === undefined && target.id !== undefined) await copyIn(source, target, context);
      else if (source.id !== undefined && target.id === undefined) await copyOut(source, target, context);
      else throw new InvalidArgumentError('error: one of SRC and DEST must be ID:PATH, the other a path');
    });
}
