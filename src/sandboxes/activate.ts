import { sandboxEnvironment } from '../domain/environment.ts';
import { SandboxError } from '../domain/errors.ts';
import type { LayerName } from '../domain/ids.ts';
import { changeStack } from './change-stack.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Adds a layer to a sandbox, what was written in it being kept. The layers that it has stay the bytes that it was made of.
 *
 * @throws LAYER_ACTIVE, what `Layers.resolve` throws, and what `changeStack` throws
 */
export function activateLayer(sandbox: Sandbox, name: LayerName, parts: SandboxParts): Promise<void> {
  sandbox.checkUsable();
  return sandbox.inTurn(async () => {
    const { layers, snapshots, upper, upperKind } = sandbox.record;
    if (layers.some((layer) => layer.name === name)) throw new SandboxError('LAYER_ACTIVE', `already active: ${name}`);
    const resolved = await parts.layers.resolve([...layers.map((layer) => layer.name), name]);
    const next = resolved.map(
      (layer) => layers.find((each) => each.name === layer.name) ?? { name: layer.name, digest: layer.sha256 },
    );
    const env = sandboxEnvironment(resolved.map((layer) => layer.env));
    await changeStack(sandbox, { layers: next, snapshots, env, upper, upperKind }, parts);
  });
}
