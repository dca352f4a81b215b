import type { ExecResult } from '../../../src/sandboxes/types.ts';
import type { Installation } from '../../support/installation.ts';

export type OperationKind = 'create' | 'exec' | 'destroy';

/** One call of a client, from its side: what it was told, and when. */
export interface Operation {
  readonly kind: OperationKind;
  readonly id: string;
  readonly cmd?: string;
  readonly beganMs: number;
  endedMs?: number;
  /** `unknown`: no answer came, or one that says nothing about what was done. */
  outcome?: 'done' | 'refused' | 'unknown';
  result?: ExecResult;
}

const SANDBOXES = '/cgi-bin/api/sandboxes';

/** A client that writes down what it asks for and what it is told, so that both can be held against what is there after a crash. */
export class Journal {
  readonly operations: Operation[] = [];
  readonly #installation: Installation;
  #lastId = 0;

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
    const cmd = `: ${this.operations.length}; ${script}`;
    return this.#run({ kind: 'exec', id, cmd }, () =>
      this.#installation.call('POST', `${SANDBOXES}/${id}/exec`, { cmd, timeout: 20 }),
    );
  }

  destroy(id: string): Promise<Operation> {
    return this.#run({ kind: 'destroy', id }, () => this.#installation.call('DELETE', `${SANDBOXES}/${id}`));
  }

  inFlight(): Operation[] {
    return this.operations.filter((operation) => operation.endedMs === undefined);
  }

  /** What must be true of a sandbox after everything that was asked and answered. */
  fateOf(id: string): 'there' | 'gone' | 'either' {
    let fate: 'there' | 'gone' | 'either' = 'gone';
    for (const { kind, outcome } of this.operations.filter((operation) => operation.id === id)) {
      if (kind === 'exec' || outcome === 'refused') continue;
      if (outcome === 'done') fate = kind === 'create' ? 'there' : 'gone';
      else if (kind === 'create' || fate === 'there') fate = 'either';
    }
    return fate;
  }

  /** Answers are the client's business: whoever asked looks at the outcome. */
  async #run(
    asked: Pick<Operation, 'kind' | 'id' | 'cmd'>,
    call: () => Promise<{ status: number; body: unknown }>,
  ): Promise<Operation> {
    const operation: Operation = { ...asked, beganMs: performance.now() };
    this.operations.push(operation);
    try {
      const { status, body } = await call();
      if (status < 300) operation.outcome = 'done';
      else operation.outcome = status < 500 ? 'refused' : 'unknown';
      if (asked.kind === 'exec' && status === 200) operation.result = body as ExecResult;
    } catch {
      // The connection went with the daemon.
      operation.outcome = 'unknown';
    }
    operation.endedMs = performance.now();
    return operation;
  }
}
