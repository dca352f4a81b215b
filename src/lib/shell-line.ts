/** A line that means to a shell what the words mean to the kernel. */
export function shellLine(argv: readonly string[]): string {
  const [program, flag, line] = argv;
  if (argv.length === 3 && program === '/bin/sh' && flag === '-c' && line !== undefined) return line;
  return argv.map(quote).join(' ');
}

function quote(word: string): string {
  // A leading `=` or an assignment would mean something to a shell, so only plain words stay bare.
  return /^[A-Za-z0-9_@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
