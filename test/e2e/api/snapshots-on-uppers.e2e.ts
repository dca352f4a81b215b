import { afterAll, beforeAll, describe, expect } from 'vitest';
import { snapshotsContract } from '../../contracts/api-snapshots.ts';
import { makeBtrfsPool } from '../../support/btrfs-pool.ts';
import { Installation } from '../../support/installation.ts';

/** `disk` is what `api-contract.e2e.ts` runs on. */
describe.each(['btrfs', 'tmpfs'])('snapshots of sandboxes on %s', (upper) => {
  let installation: Installation;
  const scope = new AsyncDisposableStack();

  beforeAll(async () => {
    const env: Record<string, string> = { SQUASH_UPPER: upper };
    if (upper === 'btrfs') env.SQUASH_POOL = scope.use(makeBtrfsPool()).path;
    installation = scope.use(await Installation.start({ env, layers: { '100-top': () => {} } }));
  });
  afterAll(() => scope.disposeAsync());

  const call = async (method: string, path: string, body?: object) => {
    const { status, body: value } = await installation.call(method, path, body);
    expect(status).toBeGreaterThan(0);
    return { status, value };
  };
  snapshotsContract({
    json: call,
    beside: call,
    status: async (method, path) => (await installation.call(method, path)).status,
    layers: () => ['000-base-test', '100-top'],
  });
});
