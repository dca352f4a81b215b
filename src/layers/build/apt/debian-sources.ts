import { type AptSource, wordsOf } from './apt-source.ts';

export type DebianSuite = 'bookworm' | 'trixie';

export interface HostDistribution {
  /** `ID` and `VERSION_CODENAME` of os-release(5). */
  readonly id: string;
  readonly codename: string;
}

/** A password for an archive, kept out of the sources: those become part of the layer. */
export interface AptLogin {
  /** Scheme, host and path, as apt_auth.conf(5) names a machine. */
  readonly machine: string;
  readonly login: string;
  readonly password: string;
}

export interface SuiteSources {
  readonly sources: readonly AptSource[];
  readonly logins: readonly AptLogin[];
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SUITE_ENDINGS = ['', '-updates', '-security'];

/**
 * The sources for one suite of Debian, taken from the host's: entries with `main` that offer this suite, or the host's own
 * suite on the same archive. A host that has none, because it is no Debian, gets Debian's own archive.
 */
export function sourcesForSuite(
  suite: DebianSuite,
  options: { readonly host: readonly AptSource[]; readonly distribution: HostDistribution },
): SuiteSources {
  const codenames = options.distribution.id === 'debian' ? [suite, options.distribution.codename] : [suite];
  const logins: AptLogin[] = [];
  const sources = options.host.flatMap((source) => {
    const suites = suitesFor(suite, { offered: wordsOf(source, 'Suites'), codenames });
    const isUsable =
      wordsOf(source, 'Types').includes('deb') &&
      wordsOf(source, 'Components').includes('main') &&
      !/^(?:no|false|0|off|without|disable)$/i.test(source.get('Enabled') ?? 'yes');
    if (suites.length === 0 || !isUsable) return [];
    const uris = wordsOf(source, 'URIs').map((uri) => withoutLogin(uri, logins));
    const fields = new Map(source).set('Types', 'deb').set('URIs', uris.join(' ')).set('Suites', suites.join(' '));
    fields.delete('Enabled');
    return [fields];
  });
  const unique = [...new Map(sources.map((source) => [JSON.stringify([...source]), source])).values()];
  return { sources: unique.length > 0 ? unique : debianArchive(suite), logins };
}

function suitesFor(suite: string, options: { offered: readonly string[]; codenames: readonly string[] }): string[] {
  const accepted = new Map(
    options.codenames.flatMap((codename) => SUITE_ENDINGS.map((ending) => [codename + ending, suite + ending])),
  );
  const suites = options.offered.map((offered) => accepted.get(offered)).filter((found) => found !== undefined);
  return [...new Set(suites)];
}

function debianArchive(suite: DebianSuite): AptSource[] {
  const entry = (uri: string, suites: string) =>
    new Map([
      ['Types', 'deb'],
      ['URIs', uri],
      ['Suites', suites],
      ['Components', 'main'],
      ['Signed-By', KEYRING],
    ]);
  return [
    entry('http://deb.debian.org/debian', `${suite} ${suite}-updates`),
    entry('http://deb.debian.org/debian-security', `${suite}-security`),
  ];
}

function withoutLogin(uri: string, logins: AptLogin[]): string {
  const url = URL.parse(uri);
  if (url === null || url.username === '') return uri;
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const machine = url.href.replace(/\/$/, '');
  logins.push({ machine, login: decodeURIComponent(username), password: decodeURIComponent(password) });
  return url.href;
}
