import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { SandboxInfo } from '../../../src/sandboxes/types.ts';
import type { Installation } from '../../support/installation.ts';
import type { Journal } from './journal.ts';
import type { Content, Model } from './sandbox-model.ts';

const SANDBOXES = '/cgi-bin/api/sandboxes';

/** What a client sees of a sandbox without changing it. */
export interface Observed {
  readonly isThere: boolean;
  /** By looking inside; undefined when it is not there. */
  readonly content: Content | undefined;
  /** As the API tells it, which is what the record says. */
  readonly layers: readonly string[];
  readonly active: string | null;
  readonly labels: readonly string[];
}

export async function observe(installation: Installation, journal: Journal, id: string): Promise<Observed> {
  const { status, body } = await installation.call('GET', `/v1/sandboxes/${id}/snapshots`);
  const labels = status === 200 ? (body as { label: string }[]).map(({ label }) => label) : [];
  const info = await installation.call('GET', `${SANDBOXES}/${id}`);
  const isThere = info.status === 200;
  if (!isThere) return { isThere, content: undefined, layers: [], active: null, labels };
  const { layers, active_snapshot: active } = info.body as SandboxInfo;
  return { isThere, content: await contentOf(journal, id), layers: layers.slice(1), active, labels };
}

/** What is in its root file system. Also a sign that it lives: of a frozen one there is no answer. */
export async function contentOf(journal: Journal, id: string): Promise<Content> {
  const { outcome, result } = await journal.exec(id, 'cat /root/me 2>/dev/null; echo; ls /layers 2>/dev/null; :');
  expect({ id, outcome, result }).toMatchObject({ outcome: 'done', result: { exit_code: 0 } });
  const [me = '', ...layers] = (result?.stdout ?? '').split('\n').filter((line, index) => index === 0 || line !== '');
  return { me: me === '' ? undefined : me, layers };
}

/** Of all that may be true, what was seen: never a mixture of two. */
export function matching(models: readonly Model[], { isThere, content, layers, active, labels }: Observed) {
  return models.find(
    (model) =>
      model.isThere === isThere &&
      (!isThere || isDeepStrictEqual({ ...model.content }, { ...content })) &&
      (!isThere || isDeepStrictEqual(model.content.layers, layers)) &&
      model.active === active &&
      isDeepStrictEqual(Object.keys(model.snapshots).toSorted(), [...labels].toSorted()),
  );
}
