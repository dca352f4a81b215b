import { expect } from 'vitest';
import type { ExecResult, SandboxInfo } from '../../../src/sandboxes/types.ts';
import type { Installation } from '../../support/installation.ts';
import { commandsOf, initPid, memoryLimitOf } from '../../support/sandbox-on-host.ts';
import { Journal } from './journal.ts';
import { expectNothingElse, keptOf } from './nothing-else.ts';
import { matching, observe } from './observe.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';

export interface Survivors {
  /** Of sandboxes that are there. */
  readonly ids: readonly string[];
  /** Commands that are told to have ended with their daemon. */
  readonly interruptedCount: number;
}

/** Holds what is there against what the client was told. */
export async function expectJournalKept(installation: Installation, journal: Journal): Promise<Survivors> {
  const broken = await brokenPromises(installation, journal);
  expect(broken).toEqual([]);
  const { body } = await installation.call('GET', SANDBOXES);
  const infos = body as SandboxInfo[];
  let interruptedCount = 0;
  for (const info of infos) {
    await expectWhole(installation, info);
    interruptedCount += await expectLogKept(installation, journal, info.id);
  }
  await expectNothingElse(installation, keptOf(journal));
  return { ids: infos.map(({ id }) => id), interruptedCount };
}

/** Looks at every sandbox that the journal knows. @returns what is not as any of its endings has it */
export async function brokenPromises(installation: Installation, journal: Journal): Promise<string[]> {
  const broken: string[] = [];
  const { body } = await installation.call('GET', SANDBOXES);
  const strangers = (body as SandboxInfo[]).filter(({ id }) => !journal.ids.includes(id));
  for (const { id } of strangers) broken.push(`${id} is there, and nobody asked for it`);
  for (const id of journal.ids) {
    const models = journal.modelsOf(id);
    const observed = await observe(installation, journal, id);
    const model = matching(models, observed);
    if (model === undefined) broken.push(`${id} is ${JSON.stringify(observed)}, may be ${JSON.stringify(models)}`);
    else journal.settle(id, model);
  }
  return broken;
}

/** With its limits in force, its files, and no command of an earlier daemon. */
async function expectWhole(installation: Installation, info: SandboxInfo): Promise<void> {
  const { id } = info;
  const memoryMiB = Journal.memoryOf(id);
  expect(info).toMatchObject({ state: 'running', memory_mb: memoryMiB, owner: `owner of ${id}` });
  const init = initPid(installation.runFolder, id);
  await expect.poll(() => commandsOf(init), { timeout: 2000 }).toEqual([]);
  expect(memoryLimitOf(init)).toBe(memoryMiB * 1024 * 1024);
}

/** @returns how many commands were interrupted by the end of their daemon */
async function expectLogKept(installation: Installation, journal: Journal, id: string): Promise<number> {
  const { body } = await installation.call('GET', `${SANDBOXES}/${id}/logs`);
  const results = body as ExecResult[];
  expect(results.map(({ seq }) => seq)).toEqual(results.map((_, index) => index + 1));
  const all = journal.of(id);
  for (const { cmd, result, outcome } of all.slice(all.findLastIndex(({ kind }) => kind === 'create'))) {
    if (cmd === undefined) continue;
    const logged = results.filter((each) => each.cmd === cmd);
    if (result !== undefined) expect(logged).toEqual([result]);
    if (outcome === 'refused') expect(logged).toEqual([]);
    // Nobody was told: it never began, it ended just before, or it is told to have been interrupted.
    for (const each of outcome === 'unknown' && result === undefined ? logged : [])
      if (each.interrupted === true) expect([-1, 137]).toContain(each.exit_code);
      else expect(each).toMatchObject({ exit_code: 0, timed_out: false });
  }
  return results.filter(({ interrupted, exit_code }) => interrupted === true && exit_code === -1).length;
}
