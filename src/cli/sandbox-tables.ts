import type { Health, ModuleInfo } from '../client/wire.ts';
import type { ExecResult, SandboxInfo } from '../sandboxes/types.ts';
import { formatTable } from './table.ts';
import { formatBytes, formatDuration, formatSpan } from './units.ts';

export interface TableOptions {
  readonly width: number;
  readonly now: Date;
}

export function sandboxesTable(sandboxes: readonly SandboxInfo[], { width, now }: TableOptions): string[] {
  const rows = sandboxes.map((sandbox) => [
    sandbox.id,
    sandbox.state,
    sandbox.owner,
    sandbox.layers.join(','),
    formatSpan(secondsSince(sandbox.created, now)),
    String(sandbox.exec_count),
    formatBytes(sandbox.upper_bytes),
  ]);
  const columns = [
    { title: 'ID', minWidth: 12 },
    { title: 'STATE' },
    { title: 'OWNER', minWidth: 5 },
    { title: 'LAYERS', minWidth: 12 },
    { title: 'AGE', align: 'right' },
    { title: 'EXECS', align: 'right' },
    { title: 'WRITTEN', align: 'right' },
  ] as const;
  return formatTable(columns, rows, width);
}

export function infoLines(info: SandboxInfo, { width, now }: TableOptions): string[] {
  const expires =
    info.expires === null ? 'never' : `${info.expires} (in ${formatSpan(-secondsSince(info.expires, now))})`;
  return pairs(
    {
      id: info.id,
      state: info.state,
      owner: info.owner,
      task: info.task,
      layers: info.layers.join(', '),
      limits: `${info.cpu} CPU, ${info.memory_mb} MiB memory, ${formatBytes(info.upper_limit_bytes)} to write`,
      snapshot: info.active_snapshot ?? '',
      written: formatBytes(info.upper_bytes),
      network: info.network,
      nesting: info.nesting ? 'on' : 'off',
      commands: String(info.exec_count),
      created: `${info.created} (${formatSpan(secondsSince(info.created, now))} ago)`,
      expires,
    },
    width,
  );
}

export function logsTable(results: readonly ExecResult[], width: number): string[] {
  const rows = results.map((result) => [
    String(result.seq),
    endOf(result),
    formatDuration(result.duration_ms),
    result.started,
    result.cmd,
  ]);
  const columns = [
    { title: 'SEQ', align: 'right' },
    { title: 'EXIT' },
    { title: 'TOOK', align: 'right' },
    { title: 'STARTED' },
    { title: 'COMMAND', minWidth: 12 },
  ] as const;
  return formatTable(columns, rows, width);
}

export function modulesTable(modules: readonly ModuleInfo[], width: number): string[] {
  const rows = modules.map((layer) => [layer.name, formatBytes(layer.size), layer.location]);
  return formatTable(
    [{ title: 'LAYER', minWidth: 12 }, { title: 'SIZE', align: 'right' }, { title: 'WHERE' }],
    rows,
    width,
  );
}

export function healthLines(health: Health, width: number): string[] {
  return pairs(
    {
      status: health.status,
      backend: health.backend,
      sandboxes: String(health.sandboxes),
      layers: String(health.modules),
      base: health.base_ready ? 'ready' : 'none yet (squash sq-mkbase debian makes one)',
    },
    width,
  );
}

function pairs(values: Readonly<Record<string, string>>, width: number): string[] {
  const rows = Object.entries(values).filter(([, value]) => value !== '');
  return formatTable([{ title: '' }, { title: '', minWidth: 20 }], rows, width).slice(1);
}

function endOf(result: ExecResult): string {
  if (result.timed_out) return 'timeout';
  if (result.interrupted === true) return 'lost';
  return result.oom === true ? `${result.exit_code} oom` : String(result.exit_code);
}

function secondsSince(timestamp: string, now: Date): number {
  return (now.getTime() - Date.parse(timestamp)) / 1000;
}
