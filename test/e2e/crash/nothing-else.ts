import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { frozenGroups } from '../../support/frozen-groups.ts';
import type { Installation } from '../../support/installation.ts';
import type { Journal } from './journal.ts';

export interface Kept {
  readonly id: string;
  readonly isThere: boolean;
  readonly labels: readonly string[];
}

/** What the journal says when its sandboxes have been looked at. */
export function keptOf(journal: Journal): Kept[] {
  return journal.ids.map((id) => {
    const model = journal.modelsOf(id).at(-1);
    return { id, isThere: model?.isThere === true, labels: Object.keys(model?.snapshots ?? {}) };
  });
}

const entries = (folder: string) => (existsSync(folder) ? readdirSync(folder).toSorted() : []);

/** On disk and in the run folder there is one of everything for each sandbox and snapshot, and what is kept ready. */
export async function expectNothingElse(installation: Installation, all: readonly Kept[]): Promise<void> {
  const { dataFolder, runFolder, env } = installation;
  const kept = all.filter(({ isThere, labels }) => isThere || labels.length > 0);
  const there = kept.filter(({ isThere }) => isThere);
  const folder = (id: string) => join(dataFolder, 'sandboxes', id);
  expect(entries(join(dataFolder, 'sandboxes'))).toEqual(kept.map(({ id }) => id).toSorted());
  for (const { id, isThere, labels } of kept) {
    expect(entries(folder(id)).filter((name) => name !== 'snapshots')).toEqual(isThere ? ['log'] : []);
    expect(entries(join(folder(id), 'snapshots'))).toEqual(
      labels.flatMap((label) => [`${label}.json`, `${label}.squashfs`]).toSorted(),
    );
  }
  await expect.poll(() => entries(join(runFolder, 'machines')).length).toBe(there.length);
  const ready = Number(env.SQUASH_READY_UPPERS);
  await expect.poll(() => entries(join(dataFolder, 'uppers')).length).toBe(there.length + ready);
  await expect.poll(() => frozenGroups(runFolder)).toEqual([]);
  expect(entries(join(dataFolder, 'modules/.taken'))).toEqual([]);
  expect(unreferencedBytes(dataFolder, kept)).toEqual([]);
}

/** Files of the store that no layer and no snapshot names. */
function unreferencedBytes(dataFolder: string, kept: readonly Kept[]): string[] {
  const modules = join(dataFolder, 'modules');
  const layers = readdirSync(modules).filter((name) => name.endsWith('.json'));
  const records = kept.flatMap(({ id, labels }) =>
    labels.map((label) => join(dataFolder, 'sandboxes', id, 'snapshots', `${label}.json`)),
  );
  const texts = [...layers.map((name) => join(modules, name)), ...records].map((path) => readFileSync(path, 'utf8'));
  return entries(join(modules, 'sha256')).filter((file) => !texts.some((text) => text.includes(file.slice(0, 64))));
}
