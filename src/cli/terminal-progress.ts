import type { Progress } from '../layers/build/progress.ts';
import type { Sink } from './cli-io.ts';
import { printable } from './printable.ts';
import { formatSpan } from './units.ts';

const CLEAR_LINE = '\r\x1b[K';

/** One line that is rewritten on a terminal, one line a step elsewhere. Disposing it clears the line. */
export class TerminalProgress implements Progress, Disposable {
  readonly #sink: Sink;
  readonly #started = Date.now();
  #text = '';
  #ticking: NodeJS.Timeout | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  step(text: string): void {
    this.#text = printable(text);
    if (this.#sink.isTTY !== true) {
      this.#sink.write(`${this.#text}\n`);
      return;
    }
    this.#draw();
    this.#ticking ??= setInterval(() => this.#draw(), 1000);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticking);
    if (this.#ticking !== undefined) this.#sink.write(CLEAR_LINE);
  }

  #draw(): void {
    const elapsed = formatSpan((Date.now() - this.#started) / 1000);
    const room = (this.#sink.columns ?? 80) - elapsed.length - 4;
    this.#sink.write(`${CLEAR_LINE}${this.#text.slice(0, room)} (${elapsed})`);
  }
}
