import type { Setting } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

/** The text of `docs/settings.md`, made from the table so that it cannot say anything else. */
export function settingsPage(): string {
  const rows = (Object.values(SETTINGS) as Setting<unknown>[]).map((setting) => {
    const name = setting.alias === undefined ? `\`${setting.name}\`` : `\`${setting.name}\` (or \`${setting.alias}\`)`;
    const standard = setting.defaultText === '' ? 'empty' : `\`${setting.defaultText}\``;
    return `| ${name} | ${standard} | ${setting.unit} | ${setting.doc} |`;
  });
  return `# Settings

Read from the environment when the daemon starts. An empty variable counts as not set.
A malformed one stops the start with one message that lists every problem; a \`SQUASH_\` variable that is not in this table is named in the log.
\`/etc/squash/squash.env\` holds what setup chose; the environment wins.

| Variable | Default | Unit | Meaning |
|---|---|---|---|
${rows.join('\n')}

This page is made from \`src/config/settings-table.ts\`: change the table, then run \`npx vitest run --project unit -u src/config\`.
`;
}
