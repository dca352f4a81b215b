import { Readable } from 'node:stream';

/**
 * The content of a file or folder as a response body. Its first piece is fetched before this resolves, so that what fails at once
 * still gets an error answer. Destroying the stream ends the reading inside the sandbox.
 *
 * @param sizeBytes what `content-length` promises, or undefined for no promise. A file that grows is cut there; one that shrinks
 * breaks the connection, which is the one way left to say so
 */
export async function fileStream(content: AsyncIterable<Buffer>, sizeBytes: number | undefined): Promise<Readable> {
  const iterator = content[Symbol.asyncIterator]();
  let first: IteratorResult<Buffer> | undefined = await iterator.next();
  let restBytes = sizeBytes ?? Number.POSITIVE_INFINITY;
  const take = async (): Promise<Buffer | null> => {
    if (restBytes === 0) return null;
    const piece = first ?? (await iterator.next());
    first = undefined;
    if (piece.done === true && sizeBytes !== undefined) throw new Error(`The file is ${restBytes} bytes short`);
    if (piece.done === true) return null;
    const data = piece.value.subarray(0, restBytes);
    restBytes -= data.length;
    return data;
  };
  return new Readable({
    read() {
      take().then(
        (piece) => this.push(piece),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      Promise.resolve(iterator.return?.()).then(
        () => callback(error),
        (cause: Error) => callback(error ?? cause),
      );
    },
  });
}
