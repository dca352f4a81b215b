import { expect, test } from 'vitest';

const SANDBOXES = '/cgi-bin/api/sandboxes';

type Call = (method: string, path: string, body?: object) => Promise<{ status: number; value: unknown }>;

export interface SnapshotsHarness {
  readonly json: Call;
  /** As `json`, for what answers with no body. */
  readonly status: (method: string, path: string) => Promise<number>;
  /** As `json`, on a connection of its own. */
  readonly beside: Call;
  readonly layers: () => readonly [string, ...string[]];
}

/** Snapshots as clients know them: what comes back, what stands on what, and what is refused. */
export function snapshotsContract({ json, beside, status, layers }: SnapshotsHarness): void {
  const path = `${SANDBOXES}/snaps`;
  const list = '/v1/sandboxes/snaps/snapshots';

  async function sh(cmd: string): Promise<string> {
    const { status: code, value } = await json('POST', `${path}/exec`, { cmd });
    expect(code).toBe(200);
    return (value as { stdout: string }).stdout;
  }

  test('a snapshot is taken, listed and restored, and what was written since is gone', async () => {
    expect((await json('POST', SANDBOXES, { id: 'snaps', layers: layers()[0] })).status).toBe(201);
    await sh('echo one > /root/a');
    const taken = await json('POST', `${path}/snapshot`, { label: 's1' });
    expect(taken).toEqual({
      status: 200,
      value: {
        snapshot: 's1',
        size: expect.any(Number),
        pause_ms: expect.any(Number),
        lost: expect.objectContaining({ sockets: 0, access_lists: 0 }),
      },
    });
    await sh('echo two > /root/a; echo b > /root/b');
    const { status: code, value } = await json('POST', `${path}/restore`, { label: 's1' });
    expect(code).toBe(200);
    expect(value).toMatchObject({
      active_snapshot: 's1',
      state: 'running',
      snapshots: [{ label: 's1', size: expect.any(Number), created: expect.stringMatching(/Z$/) }],
    });
    expect(await sh('cat /root/a; cat /root/b')).toBe('one\n');
  });

  test('snapshots of one run are siblings; one after a restore stands on what was restored', async () => {
    await sh('echo three > /root/c');
    await json('POST', `${path}/snapshot`, { label: 's2' });
    await sh('echo four > /root/d');
    await json('POST', `${path}/snapshot`, { label: 's3' });
    const { value } = await json('GET', list);
    expect(value).toMatchObject([
      { label: 's1', parent: null, layers: [{ name: layers()[0] }] },
      { label: 's2', parent: { sandbox: 'snaps', label: 's1' } },
      { label: 's3', parent: { sandbox: 'snaps', label: 's1' } },
    ]);
    await json('POST', `${path}/restore`, { snapshot: 's2' });
    expect(await sh('cat /root/a; cat /root/c; cat /root/d')).toBe('one\nthree\n');
  });

  test('without a label, one is made of the time', async () => {
    const labels = await Promise.all([1, 2].map(() => json('POST', `${path}/snapshot`)));
    const names = labels.map(({ value }) => (value as { snapshot: string }).snapshot);
    expect(new Set(names).size).toBe(2);
    for (const name of names) {
      expect(name).toMatch(/^\d{8}-\d{6}(-\d+)?$/);
      expect(await status('DELETE', `${list}/${name}`)).toBe(204);
    }
  });

  test('a label that is taken, and what others stand on, is refused', async () => {
    expect(await json('POST', `${path}/snapshot`, { label: 's1' })).toEqual({
      status: 409,
      value: { error: 'exists: s1' },
    });
    expect(await json('DELETE', `${list}/s1`)).toEqual({
      status: 409,
      value: { error: expect.stringMatching(/^Cannot delete snapshot "s1": sandbox "snaps" stands on it/) },
    });
  });

  test('a snapshot outlives its sandbox, for the next one of its name', async () => {
    expect(await status('DELETE', path)).toBe(204);
    expect(await json('DELETE', `${list}/s1`)).toEqual({
      status: 409,
      value: { error: expect.stringMatching(/^Cannot delete snapshot "s1": snapshot "s[23]" of "snaps" stands on it/) },
    });
    expect((await json('POST', SANDBOXES, { id: 'snaps', layers: layers()[0] })).status).toBe(201);
    await json('POST', `${path}/restore`, { label: 's3' });
    expect(await sh('cat /root/a; cat /root/c; cat /root/d')).toBe('one\nthree\nfour\n');
  });

  test('activate adds a layer, once, and keeps what was written', async () => {
    const module = layers().at(-1);
    await sh('echo kept > /root/kept');
    const { status: code, value } = await json('POST', `${path}/activate`, { module });
    expect(code).toBe(200);
    expect(value).toMatchObject({ layers: [layers()[0], module], active_snapshot: 's3' });
    expect(await sh('cat /root/kept; cat /root/a')).toBe('kept\none\n');
    expect(await json('POST', `${path}/activate`, { module })).toEqual({
      status: 409,
      value: { error: `already active: ${module}` },
    });
  });

  test('activate and restore answer 409 while a command runs, and a snapshot is taken beside it', async () => {
    const running = beside('POST', `${path}/exec`, { cmd: 'sleep 1; echo done' });
    const refused = { status: 409, value: { error: 'commands are running' } };
    await expect.poll(() => json('POST', `${path}/restore`, { label: 's3' })).toEqual(refused);
    expect(await json('POST', `${path}/activate`, { module: layers().at(-1) })).toMatchObject({ status: 409 });
    expect((await json('POST', `${path}/snapshot`, { label: 'beside' })).status).toBe(200);
    expect((await running).value).toMatchObject({ stdout: 'done\n', exit_code: 0 });
  });

  test('forks start on what was written, and share nothing afterwards', async () => {
    await sh('echo shared > /root/shared');
    const { status: code, value } = await json('POST', '/v1/sandboxes/snaps/fork', { id: 'fork', count: 3 });
    expect(code).toBe(201);
    const ids = (value as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual(['fork-1', 'fork-2', 'fork-3']);
    for (const id of ids) {
      const cmd = `cat /root/shared; echo ${id} > /root/shared; cat /root/shared`;
      const { value: result } = await json('POST', `${SANDBOXES}/${id}/exec`, { cmd });
      expect(result).toMatchObject({ stdout: `shared\n${id}\n` });
    }
    expect(await sh('cat /root/shared')).toBe('shared\n');
    expect(await json('POST', '/v1/sandboxes/snaps/fork', { id: 'fork-3' })).toEqual({
      status: 409,
      value: { error: 'already exists' },
    });
    for (const id of ids) expect(await status('DELETE', `${SANDBOXES}/${id}`)).toBe(204);
  });

  test('what was written becomes a layer, chain included, and so does a snapshot', async () => {
    await sh('echo written > /root/written');
    const { status: code, value } = await json('POST', '/v1/sandboxes/snaps/layer', { layer: '200-made' });
    expect({ code, value }).toEqual({
      code: 201,
      value: { name: '200-made', size: expect.any(Number), digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect((await json('POST', `${list}/s3/promote`, { layer: '201-s3' })).status).toBe(201);
    for (const [layer, seen] of [
      ['200-made', 'one\nfour\nwritten\n'],
      ['201-s3', 'one\nfour\n'],
    ] as const) {
      const made = { id: 'on-made', layers: [layers()[0], layer] };
      expect((await json('POST', SANDBOXES, made)).status).toBe(201);
      const { value: result } = await json('POST', `${SANDBOXES}/on-made/exec`, {
        cmd: 'cat /root/a; cat /root/d; cat /root/written',
      });
      expect(result).toMatchObject({ stdout: seen });
      expect(await status('DELETE', `${SANDBOXES}/on-made`)).toBe(204);
    }
    await sh('echo other > /root/written');
    const again = await json('POST', '/v1/sandboxes/snaps/layer', { layer: '200-made' });
    expect(again).toMatchObject({ status: 409, value: { error: expect.stringContaining('200-made') } });
    const base = await json('POST', '/v1/sandboxes/snaps/layer', { layer: '000-made' });
    expect(base).toMatchObject({ status: 400 });
  });

  test('deleted from the newest on, nothing is left of them', async () => {
    expect(await status('DELETE', path)).toBe(204);
    const { value } = await json('GET', list);
    const labels = (value as { label: string }[]).map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(['s1', 's2', 's3', 'beside']));
    for (const label of labels.toReversed()) expect(await status('DELETE', `${list}/${label}`)).toBe(204);
    expect(await json('GET', list)).toEqual({ status: 404, value: { error: 'not found: snaps' } });
  });
}
