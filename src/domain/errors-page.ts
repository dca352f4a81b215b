import { ERRORS, type ErrorCode, type ErrorKind, SandboxError } from './errors.ts';

/** What each kind means for whoever meets it. */
const KINDS: Record<ErrorKind, string> = {
  invalid_argument: 'The request is wrong, whatever the state of the system',
  unauthenticated: 'Who asks is not known',
  permission_denied: 'Who asks may not',
  not_found: 'What was named does not exist',
  already_exists: 'What was to be made exists',
  failed_precondition: 'It cannot be done in the present state',
  resource_exhausted: 'A limit is reached, or there is no room',
  deadline_exceeded: 'It took too long',
  unavailable: 'Something is away for now; try again',
  unimplemented: 'It is not part of this version',
  internal: 'A defect, or a broken host',
};

/** The text of `docs/errors.md`, made from the table so that it cannot say anything else. */
export function errorsPage(): string {
  const rows = (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
    const { kind, httpStatus, hint = '' } = new SandboxError(code, '');
    return `| \`${code}\` | \`${kind}\` | ${httpStatus} | ${hint.replaceAll('|', '\\|').replaceAll('<', '\\<')} |`;
  });
  const kinds = Object.entries(KINDS).map(([kind, meaning]) => `| \`${kind}\` | ${meaning} |`);
  return `# Errors

Every error has a code, a message of one line and most often a hint. The API answers \`{"error":"<message>"}\` with the status of this table;
the CLI prints message and hint. The exit code of a command is a result, not an error.

| Code | Kind | Status | Hint |
|---|---|---|---|
${rows.join('\n')}

| Kind | Meaning |
|---|---|
${kinds.join('\n')}

This page is made from \`src/domain/errors.ts\`: change the table, then run \`npx vitest run --project unit -u src/domain\`.
`;
}
