import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { ROUTES } from '../routes.ts';
import { STYLE } from './style.ts';

// Nothing but the one inline style may be loaded or run, and no page may frame this one.
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const QUICK_START = `curl -X POST localhost:8080/cgi-bin/api/sandboxes \\
  -d '{"id":"dev"}'

curl -X POST localhost:8080/cgi-bin/api/sandboxes/dev/exec \\
  -d '{"cmd":"uname -a"}'`;

/** `GET /` and `GET /static/`: one page, held in the program. No file is ever served. */
export function registerPage(app: FastifyInstance): void {
  const html = renderPage();
  for (const path of ['/', '/static/'])
    app.get(path, (_request, reply) =>
      reply
        .header('content-type', 'text/html; charset=utf-8')
        .header('content-security-policy', POLICY)
        .header('referrer-policy', 'no-referrer')
        .send(html),
    );
}

function renderPage(): string {
  const rows = ROUTES.map(
    ({ method, path, summary }) =>
      `<tr><td><b class="${method.toLowerCase()}">${method}</b></td><td><code>${markParameters(path)}</code></td><td>${summary}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Squash</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<div class="mark" aria-hidden="true"><i></i><i></i><i></i></div>
<div><h1>Squash</h1><p>Sandboxes composed on demand from read-only layers.</p></div>
</header>
<section>
<h2>Try it</h2>
<pre><code>${escapeHtml(QUICK_START)}</code></pre>
</section>
<section>
<h2>Routes</h2>
<div class="scroll"><table>
<thead><tr><th>Method</th><th>Path</th><th>What it does</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>
<p class="note"><code>/v1</code> is unstable. With a token set, every route but health and this page wants <code>Authorization: Bearer …</code></p>
</section>
</main>
</body>
</html>
`;
}

function markParameters(path: string): string {
  return escapeHtml(path).replaceAll(/:\w+/g, '<em>$&</em>');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
