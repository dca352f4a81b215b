/** Style of the page. Three bars stand for a base, a layer on it, and the writable layer on top. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2320; --soft: #5c6863; --line: #dfe5e1; --paper: #fbfcfb; --card: #fff; --leaf: #2f7d4f; --sun: #c8781a; --sky: #2b6cb0; --clay: #b4432f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ece8; --soft: #9aa8a1; --line: #2a332e; --paper: #121614; --card: #181e1b; --leaf: #6cc492; --sun: #e8a34f; --sky: #79b4ec; --clay: #e98a78; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 3.5rem 1.25rem 4rem; }
header { display: flex; gap: 1.1rem; align-items: center; }
h1 { margin: 0; font-size: 2rem; line-height: 1.15; letter-spacing: -0.02em; }
header p { margin: 0.15rem 0 0; color: var(--soft); }
h2 { margin: 2.5rem 0 0.7rem; font-size: 0.8rem; letter-spacing: 0.09em; text-transform: uppercase; color: var(--soft); }
.mark { display: grid; gap: 5px; width: 46px; }
.mark i { height: 10px; border-radius: 3px; background: var(--leaf); }
.mark i:nth-child(2) { opacity: 0.62; }
.mark i:nth-child(1) { background: none; border: 2px dashed var(--sun); }
pre, .scroll { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
pre { padding: 1rem 1.2rem; }
code { font: 0.88em/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.5rem 1.2rem; text-align: left; white-space: nowrap; }
th { font-size: 0.8rem; font-weight: 600; color: var(--soft); }
tbody tr { border-top: 1px solid var(--line); }
td:last-child { color: var(--soft); width: 99%; }
em { font-style: normal; color: var(--sun); }
b { font: 600 0.76rem ui-monospace, Menlo, Consolas, monospace; }
.get { color: var(--leaf); } .post { color: var(--sky); } .put { color: var(--sun); } .delete { color: var(--clay); }
.note { color: var(--soft); font-size: 0.9rem; }
`;
