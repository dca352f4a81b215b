/** How the host reaches archives: proxies, certificates, checks. Names of apt.conf(5), as `apt-config dump` prints them. */
const NETWORK_OPTION =
  /^Acquire::(?:https?|ftp|Retries|ForceIPv[46]|Check-Valid-Until|Check-Date|Max-ValidTime|AllowReleaseInfoChange)(?:::|\s)/;
const FILE_OPTION = /^Acquire::https(?:::[^\s"]+)?::(?:CAInfo|SslCert|SslKey|CrlFile|IssuerCert)\s/i;

export interface AptOption {
  /** The whole line, `Name "value";`. */
  readonly line: string;
  /** The file that it names, if it is one that APT reads itself. */
  readonly path: string | undefined;
}

/** The lines of `apt-config dump` that matter for downloads. */
export function networkOptions(dump: string): AptOption[] {
  return dump
    .split('\n')
    .filter((line) => NETWORK_OPTION.test(line) && !line.endsWith(' "";'))
    .map((line) => {
      const value = / "(.*)";$/.exec(line)?.[1];
      return { line, path: FILE_OPTION.test(line) && value?.startsWith('/') ? value : undefined };
    });
}

/** The same option with another value. */
export function withValue(option: AptOption, value: string): string {
  return option.line.replace(/ ".*";$/, () => ` "${value}";`);
}
