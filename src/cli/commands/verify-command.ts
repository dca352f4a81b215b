import type { Command } from 'commander';
import { SandboxError } from '../../domain/errors.ts';
import { type LayerName, parseLayerName } from '../../domain/ids.ts';
import { verifyLayer } from '../../layers/build/verify-layer.ts';
import { findLayer } from '../../layers/find-layer.ts';
import { LayerStore } from '../../layers/layer-store.ts';
import type { Cli } from '../cli.ts';
import { withJson } from '../json-flag.ts';
import { programPath } from '../program-path.ts';
import { formatTable } from '../table.ts';

interface Verified {
  readonly name: string;
  readonly digest: string;
  readonly ok: boolean;
}

/** Adds `verify`: reads layers again and compares them with their digests. */
export function addVerifyCommand(program: Command, cli: Cli): void {
  withJson(program.command('verify').description(HELP))
    .argument('[layers...]', 'names; all when none is given')
    .action(async (words: string[], _flags, command: Command) => {
      const { dataDir } = await cli.settings();
      const verified = await verifyAll(await namesOf(words, dataDir), dataDir, programPath('squash-broker', cli.io));
      if (command.optsWithGlobals<{ json?: boolean }>().json === true) await cli.printJson(verified);
      else await cli.print(tableOf(verified, cli.width));
      if (verified.some(({ ok }) => !ok)) cli.exitCode = 1;
    });
}

const HELP = `Read layers again and compare them with their digests.
Needs root; works with and without a running daemon, on SQUASH_DATA.`;

async function namesOf(words: readonly string[], dataDir: string): Promise<readonly LayerName[]> {
  return words.length > 0 ? words.map(parseLayerName) : new LayerStore(`${dataDir}/modules`).names();
}

async function verifyAll(names: readonly LayerName[], dataDir: string, brokerPath: string): Promise<Verified[]> {
  const verified: Verified[] = [];
  for (const name of names) {
    const sidecar = findLayer(dataDir, name);
    if (sidecar === undefined) throw new SandboxError('LAYER_NOT_FOUND', `not found: ${name}`);
    const ok = await verifyLayer(sidecar.sha256, { brokerPath, dataDir });
    verified.push({ name, digest: sidecar.sha256, ok });
  }
  return verified;
}

function tableOf(verified: readonly Verified[], width: number): string[] {
  const rows = verified.map(({ name, digest, ok }) => [
    name,
    digest.slice(0, 12),
    ok ? 'ok' : 'DAMAGED: build it again',
  ]);
  return formatTable([{ title: 'LAYER' }, { title: 'DIGEST' }, { title: 'STATE' }], rows, width);
}
