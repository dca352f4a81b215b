import type { Command } from 'commander';
import { SandboxError } from '../../domain/errors.ts';
import type { SandboxInfo } from '../../sandboxes/types.ts';
import type { Cli } from '../cli.ts';

/** Adds `sq-reaper`: one sweep of expired sandboxes. The daemon does the same by itself, to the second. */
export function addReaperCommand(program: Command, cli: Cli): void {
  program
    .command('sq-reaper')
    .summary('destroy expired sandboxes, once')
    .description('Destroy the sandboxes whose lifetime is over, once. The daemon does so by itself.')
    .action(async () => {
      const client = await cli.client();
      for (const { id } of (await client.list()).filter((sandbox) => isExpired(sandbox, new Date()))) {
        await client.destroy(id).catch((error: unknown) => {
          // The daemon was faster.
          if (!(error instanceof SandboxError && error.code === 'SANDBOX_NOT_FOUND')) throw error;
        });
        await cli.print([`destroyed ${id}`]);
      }
    });
}

export function isExpired({ expires }: Pick<SandboxInfo, 'expires'>, now: Date): boolean {
  return expires !== null && Date.parse(expires) <= now.getTime();
}
