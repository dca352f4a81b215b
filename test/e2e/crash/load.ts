import { CRASH_LAYERS } from './crash-layers.ts';
import type { Journal } from './journal.ts';

/** Long enough to be hit in its middle, and it leaves something that may not outlive it. */
export const SCRIPT = 'setsid sleep 1000 & usleep 30000; cat /root/me';

/** Lives of sandboxes, one after the other, each with everything that can happen in one, until told to end. */
export async function liveAndDie(journal: Journal, load: { on: boolean }): Promise<void> {
  while (load.on) {
    const id = journal.newId();
    const [red, blue] = CRASH_LAYERS;
    for (const step of [
      () => journal.create(id),
      () => journal.write(id),
      () => journal.snapshot(id, 's1'),
      () => journal.exec(id, SCRIPT),
      () => journal.activate(id, red),
      () => journal.write(id),
      () => journal.snapshot(id, 's2'),
      () => journal.restore(id, 's1'),
      () => journal.activate(id, blue),
      () => journal.write(id),
      () => journal.snapshot(id, 's3'),
      () => journal.restore(id, 's2'),
      () => journal.deleteSnapshot(id, 's3'),
      () => journal.destroy(id),
      () => journal.create(id),
      () => journal.restore(id, 's1'),
      () => journal.destroy(id),
      () => journal.deleteSnapshot(id, 's2'),
      () => journal.deleteSnapshot(id, 's1'),
    ]) {
      if (!load.on) return;
      // A client whose call came to nothing goes on with another sandbox.
      if ((await step()).outcome !== 'done') break;
    }
  }
}
