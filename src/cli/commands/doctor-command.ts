import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { type Check, fault, ok } from '../doctor-check.ts';
import { checkPrograms, checkUsers } from '../doctor-host.ts';
import { checkDaemon, checkLayers } from '../doctor-installation.ts';
import { checkKernel } from '../doctor-kernel.ts';
import { withJson } from '../json-flag.ts';
import { paintFor } from '../paint.ts';
import { printable } from '../printable.ts';
import { programPath } from '../program-path.ts';
import { EXIT_FAILED } from '../report-error.ts';
import { wrap } from '../wrap.ts';

const MARKS = { ok: 'ok', lack: 'lack', fault: 'FAULT' } as const;
const MARK_WIDTH = 7;
const STYLES = { ok: 'green', lack: 'yellow', fault: 'red' } as const;

/** Adds `doctor`: what this host can do, and what is wrong. */
export function addDoctorCommand(program: Command, cli: Cli): void {
  withJson(program.command('doctor'))
    .summary('say what this host lacks')
    .description(
      'Look at everything that Squash needs. Exit code 1 when something is missing that it cannot do without.',
    )
    .action(async (_flags, command: Command) => {
      const checks = await examine(cli);
      if (command.optsWithGlobals<{ json?: boolean }>().json === true) await cli.printJson(checks);
      else await cli.print(lines(cli, checks));
      if (checks.some((check) => check.state === 'fault')) cli.exitCode = EXIT_FAILED;
    });
}

async function examine(cli: Cli): Promise<Check[]> {
  const settings = await cli.settings();
  return [
    ...(await checkPrograms(cli.io.env.PATH ?? '')),
    ...(await checkUsers(settings.uidBase)),
    ...(await checkBroker(cli)),
    await checkLayers(settings),
    await checkDaemon(await cli.client(), settings),
  ];
}

async function checkBroker(cli: Cli): Promise<Check[]> {
  try {
    const path = programPath('squash-broker', cli.io);
    return [ok('squash-broker', path), ...(await checkKernel(path))];
  } catch (error) {
    return [fault('squash-broker', (error as Error).message, 'script/setup')];
  }
}

function lines(cli: Cli, checks: readonly Check[]): string[] {
  const paint = paintFor(cli.io.stdout, cli.io.env);
  const nameWidth = Math.max(...checks.map((check) => check.name.length));
  const indent = ' '.repeat(MARK_WIDTH + nameWidth + 2);
  return checks.flatMap(({ state, name, detail, remedy }) => {
    const [first = '', ...rest] = wrap(printable(detail), cli.width - indent.length);
    const mark = paint(STYLES[state], MARKS[state].padEnd(MARK_WIDTH));
    const said = [`${mark}${name.padEnd(nameWidth)}  ${first}`.trimEnd(), ...rest.map((line) => indent + line)];
    return remedy === undefined ? said : [...said, indent + paint('dim', `→ ${remedy}`)];
  });
}
