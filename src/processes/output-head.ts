/** Bytes of each stream that an exec result keeps (contract §2). */
export const OUTPUT_HEAD_BYTES = 64 * 1024;

/** Keeps the beginning of a stream, and whether there was more. */
export class OutputHead {
  readonly #pieces: Buffer[] = [];
  #keptBytes = 0;
  #truncated = false;

  get truncated(): boolean {
    return this.#truncated;
  }

  push(data: Buffer): void {
    const room = OUTPUT_HEAD_BYTES - this.#keptBytes;
    if (data.length > room) this.#truncated = true;
    if (room === 0) return;
    const kept = data.length > room ? data.subarray(0, room) : data;
    this.#pieces.push(kept);
    this.#keptBytes += kept.length;
  }

  /** As text: a character that the limit cut in two is left out; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    const bytes = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    return bytes.toString('utf8', 0, this.#truncated ? wholeCharacters(bytes) : bytes.length);
  }
}

/** Length without an unfinished UTF-8 sequence at the end. What could not be one anyway is left for the decoder to replace. */
function wholeCharacters(bytes: Buffer): number {
  // A sequence has at most 4 bytes: a lead byte, then up to 3 continuation bytes 10xxxxxx (RFC 3629).
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    return sequenceLength(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xc2 && lead < 0xe0 ? 2 : 1;
}
