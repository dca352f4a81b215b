import { type Finished, type Places, squash } from './programs.ts';
import type { Steps } from './steps.ts';

const NOTE = '/root/note';
const MADE = '350-demo-made';

export interface KeepStateOptions {
  readonly sandbox: string;
  /** Words of `create` behind the id. */
  readonly create: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly steps: Steps;
}

/** A sandbox that comes back after its end, forks of it, and a layer of what it has written. @throws Error when something did not come back */
export async function keepState(places: Places, { sandbox, create, env, steps }: KeepStateOptions): Promise<void> {
  const run = (...words: string[]): Promise<Finished> => squash(places, words, env);
  const exec = async (id: string, cmd: string): Promise<string> =>
    (await run('exec', id, '--', 'sh', '-c', cmd)).stdout;
  const said = ({ stdout }: Finished): string => stdout.trim().replace(/^[^:]*: /, '');
  const forks = [1, 2, 3].map((n) => `${sandbox}-fork-${n}`);

  await forget();
  await exec(sandbox, `echo one > ${NOTE}; rm -f /etc/motd`);
  await steps.run('Snapshot', () => run('snapshot', sandbox, 'first'), said);
  await exec(sandbox, `echo two > ${NOTE}`);
  await steps.run('Destroy, create again', async () => {
    await run('destroy', sandbox);
    await run('create', sandbox, ...create);
  });
  await steps.run('Restore', async () => {
    await run('restore', sandbox, 'first');
    await expectNote(sandbox, 'one');
  });
  await steps.run('Fork three ways', async () => {
    await run('fork', sandbox, `${sandbox}-fork`, '--count', '3');
    for (const id of forks) await exec(id, `echo ${id} > ${NOTE}`);
    for (const id of forks) await expectNote(id, id);
    await expectNote(sandbox, 'one');
  });
  await steps.run(
    'Layer of the snapshot',
    () => run('promote', sandbox, 'first', MADE, '--replace'),
    ({ stdout }) => stdout.trim(),
  );
  await forget();

  async function expectNote(id: string, wanted: string): Promise<void> {
    const note = (await exec(id, `cat ${NOTE}`)).trim();
    if (note !== wanted) throw new Error(`The demo failed: ${NOTE} of ${id} holds "${note}", not "${wanted}"`);
  }

  /** What this run, or one that was interrupted, has left. */
  async function forget(): Promise<void> {
    for (const id of forks) await run('destroy', id).catch(() => undefined);
    await run('destroy', sandbox).catch(() => undefined);
    const listed = await run('snapshots', sandbox, '--json').catch(() => undefined);
    const labels = (JSON.parse(listed?.stdout ?? '[]') as { label: string }[]).map(({ label }) => label);
    for (const label of labels.toReversed()) await run('snapshot', 'rm', sandbox, label);
    await run('create', sandbox, ...create);
  }
}
