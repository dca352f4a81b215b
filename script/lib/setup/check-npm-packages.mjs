// npm counts an optional package that it could not fetch as done: a broken connection would leave a checkout without its tools.
import { existsSync, readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

/** Whether an entry is made for this kind of machine, and says so; what fits everywhere is never optional. */
function isMadeForHere({ os = [], cpu = [], libc = 'glibc' }) {
  return [os].flat().includes('linux') && [cpu].flat().includes(process.arch) && [libc].flat().includes('glibc');
}

const made = Object.entries(packages).filter(([, entry]) => isMadeForHere(entry));
const missing = made.filter(([path]) => !existsSync(path));
if (missing.length > 0) {
  console.error(
    `npm did not fetch ${missing.map(([path]) => path.replace('node_modules/', '')).join(', ')}: run this again`,
  );
  process.exitCode = 1;
}
