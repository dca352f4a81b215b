import type { ExecResult } from '../../../src/sandboxes/types.ts';
import type { Installation } from '../../support/installation.ts';
import { type Model, modelsAfter } from './sandbox-model.ts';

export type OperationKind = 'create' | 'exec' | 'write' | 'destroy' | 'snapshot' | 'restore' | 'activate' | 'delete';

/** One call of a client, from its side: what it was told, and when. */
export interface Operation {
  readonly kind: OperationKind;
  readonly id: string;
  readonly cmd?: string;
  /** Of a write, what is in /root/me afterwards. */
  readonly content?: string;
  /** Of the snapshot. */
  readonly label?: string;
  readonly layer?: string;
  readonly beganMs: number;
  endedMs?: number;
  /** `unknown`: no answer came, or one that says nothing about what was done. */
  outcome?: 'done' | 'refused' | 'unknown';
  /** Of a call that was not done, for who has to find out why. */
  answer?: string;
  result?: ExecResult;
  /** What somebody has found after it, when that could be more than one thing. */
  seen?: Model;
}

const SANDBOXES = '/cgi-bin/api/sandboxes';

/** A client that writes down what it asks for and what it is told, so that both can be held against what is there after a crash. */
export class Journal {
  readonly operations: Operation[] = [];
  readonly #installation: Installation;
  #lastId = 0;
  #lastNumber = 0;

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  /** An id that was never used before. */
  newId(): string {
    this.#lastId++;
    return `c${this.#lastId}`;
  }

  /** Its memory limit says which one it is: 64 MiB and one for each before it, up to 127. */
  static memoryOf(id: string): number {
    return 64 + (Number(id.slice(1)) % 64);
  }

  create(id: string): Promise<Operation> {
    const body = { id, memory_mb: Journal.memoryOf(id), owner: `owner of ${id}` };
    return this.#run({ kind: 'create', id }, () => this.#installation.call('POST', SANDBOXES, body));
  }

  /** The command is told apart from all others by its number. */
  exec(id: string, script: string): Promise<Operation> {
    return this.#exec({ kind: 'exec', id, cmd: `: ${++this.#lastNumber}; ${script}` });
  }

  /** Atomic, and on the disk when it is answered: the content is the number of the operation. */
  write(id: string): Promise<Operation> {
    const content = `${id}/${++this.#lastNumber}`;
    // `sync FILE` is fsync(2) of that file; without one it would flush the whole host.
    const cmd = `cd /root && echo ${content} > .me && sync .me && mv .me me && sync me .`;
    return this.#exec({ kind: 'write', id, cmd, content });
  }

  destroy(id: string): Promise<Operation> {
    return this.#run({ kind: 'destroy', id }, () => this.#installation.call('DELETE', `${SANDBOXES}/${id}`));
  }

  snapshot(id: string, label: string): Promise<Operation> {
    return this.#post({ kind: 'snapshot', id, label }, { label });
  }

  restore(id: string, label: string): Promise<Operation> {
    return this.#post({ kind: 'restore', id, label }, { label });
  }

  activate(id: string, layer: string): Promise<Operation> {
    return this.#post({ kind: 'activate', id, layer }, { module: layer });
  }

  deleteSnapshot(id: string, label: string): Promise<Operation> {
    return this.#run({ kind: 'delete', id, label }, () =>
      this.#installation.call('DELETE', `/v1/sandboxes/${id}/snapshots/${label}`),
    );
  }

  inFlight(): Operation[] {
    return this.operations.filter((operation) => operation.endedMs === undefined);
  }

  of(id: string): Operation[] {
    return this.operations.filter((operation) => operation.id === id);
  }

  /** Every sandbox of which anything may be there. */
  get ids(): string[] {
    return [...new Set(this.operations.map(({ id }) => id))];
  }

  /** What may be true of a sandbox after everything that was asked and answered. */
  modelsOf(id: string): readonly Model[] {
    return modelsAfter(this.of(id));
  }

  /** Nothing of it is left, and whatever comes back of it is a stranger's. */
  forget(id: string): void {
    const others = this.operations.filter((operation) => operation.id !== id);
    this.operations.splice(0, Number.POSITIVE_INFINITY, ...others);
  }

  /** Somebody has looked: of what might have been true, this is. */
  settle(id: string, model: Model): void {
    const last = this.of(id).at(-1);
    if (last !== undefined) last.seen = model;
  }

  /**
   * The disk was copied between these two moments: what was answered before the first is on it, what was asked after the second is not,
   * and of what lies between nobody knows.
   */
  cut(beganMs: number, endedMs: number): void {
    const kept = this.operations.filter((operation) => operation.beganMs <= endedMs);
    for (const operation of kept)
      if ((operation.endedMs ?? Number.POSITIVE_INFINITY) > beganMs && operation.outcome !== 'refused')
        operation.outcome = 'unknown';
    this.operations.splice(0, Number.POSITIVE_INFINITY, ...kept);
  }

  #post(asked: Omit<Operation, 'beganMs'>, body: object): Promise<Operation> {
    return this.#run(asked, () => this.#installation.call('POST', `${SANDBOXES}/${asked.id}/${asked.kind}`, body));
  }

  #exec(asked: Omit<Operation, 'beganMs'>): Promise<Operation> {
    const body = { cmd: asked.cmd, timeout: 20 };
    return this.#run(asked, () => this.#installation.call('POST', `${SANDBOXES}/${asked.id}/exec`, body));
  }

  /** Answers are the client's business: whoever asked looks at the outcome. */
  async #run(
    asked: Omit<Operation, 'beganMs'>,
    call: () => Promise<{ status: number; body: unknown }>,
  ): Promise<Operation> {
    const operation: Operation = { ...asked, beganMs: performance.now() };
    this.operations.push(operation);
    try {
      const { status, body } = await call();
      if (status < 300) operation.outcome = 'done';
      else operation.outcome = status < 500 ? 'refused' : 'unknown';
      if (operation.outcome !== 'done') operation.answer = `${status} ${JSON.stringify(body)}`;
      if (asked.cmd !== undefined && status === 200) operation.result = body as ExecResult;
      // A command that was ended may have come to any of its steps.
      if (asked.kind === 'write' && operation.result !== undefined && operation.result.exit_code !== 0)
        operation.outcome = 'unknown';
    } catch (error) {
      // The connection went with the daemon.
      operation.outcome = 'unknown';
      operation.answer = String(error);
    }
    operation.endedMs = performance.now();
    return operation;
  }
}
