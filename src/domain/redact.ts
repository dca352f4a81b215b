const secrets = new Set<string>();

/** Registers a value that must never appear in an error, a log line or an answer. Values under 4 characters would hide ordinary words and are refused. */
export function keepSecret(value: string): void {
  if (value.length >= 4) secrets.add(value);
}

/** One printable line: registered secrets become `***`; control characters, which could forge a log line or drive a terminal, become spaces. */
export function redact(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here.
  let line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  for (const secret of secrets) line = line.replaceAll(secret, '***');
  return line;
}
