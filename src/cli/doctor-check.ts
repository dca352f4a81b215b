/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  /** `lack` is a loss that Squash can live with; `fault` is one that it cannot. */
  readonly state: 'ok' | 'lack' | 'fault';
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export function ok(name: string, detail = ''): Check {
  return { name, state: 'ok', detail };
}

export function lack(name: string, detail: string, remedy?: string): Check {
  return { name, state: 'lack', detail, ...(remedy === undefined ? {} : { remedy }) };
}

export function fault(name: string, detail: string, remedy?: string): Check {
  return { name, state: 'fault', detail, ...(remedy === undefined ? {} : { remedy }) };
}
