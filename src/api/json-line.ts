/** JSON and a newline, so that an answer in a terminal leaves the prompt on a line of its own. */
export function writeLine(payload: unknown): string {
  return `${JSON.stringify(payload)}\n`;
}
