import { PAYLOAD_MAX_BYTES } from './frames.ts';
import { claimRefused } from './replies.ts';
import { encodeStdin } from './requests.ts';

/** Bytes that may be ahead of STDIN_TAKEN (`native/PROTOCOL.md` §2). */
const WINDOW_BYTES = 65_536;

interface Waiting {
  readonly data: Uint8Array;
  /** Position in the input at which it is taken as a whole. */
  readonly end: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The input of a command, sent no faster than it is taken, so that a signal never waits behind it. */
export class InputWindow {
  readonly #send: (frame: Buffer) => void;
  readonly #waiting: Waiting[] = [];
  /** All positions count bytes from the start of the input. */
  #written = 0;
  #sent = 0;
  #taken = 0;
  #ending = false;
  #ended = false;

  constructor(send: (frame: Buffer) => void) {
    this.#send = send;
  }

  get isEnding(): boolean {
    return this.#ending;
  }

  /** Resolves when the command has taken it and all before it, or nobody will. Empty data end the input. */
  write(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (data.length === 0) this.#ending = true;
      this.#written += data.length;
      this.#waiting.push({ data, end: this.#written, resolve, reject });
      this.#pump();
    });
  }

  /** The agent's claim of how much was taken. @throws AGENT_FAILED */
  take(total: number): void {
    if (total < this.#taken || total > this.#sent) throw claimRefused('STDIN_TAKEN');
    this.#taken = total;
    this.#pump();
  }

  /** Nobody takes any more: what waits is done with, or rejects when there is an error. */
  close(error?: unknown): void {
    for (const each of this.#waiting.splice(0)) {
      if (error === undefined) each.resolve();
      else each.reject(error);
    }
  }

  #pump(): void {
    for (const each of this.#waiting) this.#sendWhatFits(each);
    while (this.#waiting[0] !== undefined && this.#isDone(this.#waiting[0])) this.#waiting.shift()?.resolve();
  }

  #isDone(each: Waiting): boolean {
    return each.end <= this.#taken && (each.data.length > 0 || this.#ended);
  }

  #sendWhatFits(each: Waiting): void {
    while (this.#sent < each.end) {
      const room = Math.min(this.#taken + WINDOW_BYTES - this.#sent, PAYLOAD_MAX_BYTES, each.end - this.#sent);
      if (room === 0) return;
      const from = each.data.length - (each.end - this.#sent);
      this.#sent += room;
      this.#send(encodeStdin(each.data.subarray(from, from + room)));
    }
    if (each.data.length > 0 || this.#ended) return;
    this.#ended = true;
    this.#send(encodeStdin(each.data));
  }
}
