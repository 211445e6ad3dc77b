import type { AgentRow, Counts, Report, ReportStop } from '../contract/views.ts';
import { columns, count, dollars, folder, moment, percent, SHADOW, shortId, WIDTH, wrap, type Column } from './page.ts';
import { shortened, widthOf } from '../contract/printable.ts';
import { addCounts, countsOf, emptyTally, type Tally } from './tally.ts';

/** Rows of a table on one screen; JSON has them all. */
const MAX_ROWS = 15;
const MAX_STOPS = 10;

/** `/pag0-report` as a person reads it. */
export function reportText(report: Report, timeZone: string): string {
  const head = [title(report), ...period(report, timeZone), ...(report.mode === 'shadow' ? [SHADOW] : [])];
  if (report.totalRequests === 0 && report.refused.total === 0 && report.shadow.refused === 0 && report.shadow.payments === 0 && report.reserved === '0' && report.stops.length === 0) {
    return [...head, '', 'No calls were made that pag0 could see.'].join('\n');
  }
  const manySessions = report.bySession.length > 1;
  return [
    ...head,
    '',
    ...summary(report),
    ...section('by agent', agentTable(manySessions && report.scope !== 'session' ? merged(report.byAgent) : report.byAgent)),
    ...section('by tool', counts(report.byTool, 'tool', (row) => row.tool)),
    ...section('by endpoint', counts(report.byEndpoint, 'endpoint', (row) => row.endpoint)),
    ...(manySessions && report.scope !== 'session' ? section('by session', counts(report.bySession, 'session', (row) => `${shortId(row.session)}  ${row.cwd ?? ''}`)) : []),
    ...stops(report.stops, timeZone),
  ].join('\n');
}

function title(report: Report): string {
  switch (report.scope) {
    case 'session':
      return `pag0 report, session ${shortId(report.session!)}`;
    case 'run':
      return `pag0 report, run ${shortened(report.run!, 40)}`;
    case 'project':
      return `pag0 report, project ${folder(report.project!, WIDTH - 22)}`;
    case 'today':
      return 'pag0 report, today';
    case 'all':
      return 'pag0 report, everything';
  }
}

function period(report: Report, timeZone: string): string[] {
  return report.from === null ? [] : [`${moment(report.from, timeZone)} to ${moment(report.to, timeZone)}`];
}

function summary(report: Report): string[] {
  const free = report.free === 0 ? '' : ` (${report.free} free)`;
  const { kinds, refused, shadow } = report;
  const shadowed = [
    ...(shadow.refused === 0 ? [] : [`would have been refused: ${shadow.refused} (${codesOf(shadow.byCode)})`]),
    ...(shadow.payments === 0 ? [] : [`would have been paid: ${dollars(shadow.unpaid)} in ${count(shadow.payments, 'request')}`]),
  ];
  const pending = [report.reserved === '0' ? '' : `${dollars(report.reserved)} in flight`, report.held === '0' ? '' : `${dollars(report.held)} unconfirmed`].filter((part) => part !== '');
  return [
    `  total     ${dollars(report.totalCost)} in ${count(report.totalRequests, 'request')}${free}`,
    ...(pending.length === 0 ? [] : [`  besides   ${pending.join(', ')}`]),
    `  kinds     ${dollars(kinds.billed)} billed, ${dollars(kinds.settled)} settled, ${dollars(kinds.estimated)} estimated`,
    `  refused   ${refused.total}${refused.total === 0 ? '' : `: ${codesOf(refused.byCode)}`}`,
    ...shadowed.map((line) => `  shadow    ${line}`),
    `  cache     ${percent(report.cacheHitRate)} hits, ${dollars(report.cacheSavings)} saved`,
  ].flatMap((line) => (widthOf(line) <= WIDTH ? [line] : wrap(line.trim(), '  ')));
}

function codesOf(byCode: Record<string, number>): string {
  const codes = Object.entries(byCode).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return codes.map(([code, times]) => `${code} ${times}`).join(', ');
}

function section(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', heading, ...lines];
}

type AgentLine = Counts & { agentId: string; total: string; budgetUtilization: number | null };

function agentTable(rows: readonly AgentLine[]): string[] {
  const nested = rows.some((row) => row.total !== row.cost);
  const limited = rows.some((row) => row.budgetUtilization !== null);
  return tableOf(rows, [
    { title: 'agent', value: (row) => row.agentId },
    { title: 'cost', value: (row) => dollars(row.cost) },
    ...(nested ? [{ title: 'in all', value: (row: AgentLine) => dollars(row.total) }] : []),
    ...countColumns(rows),
    ...(limited ? [{ title: 'budget', value: (row: AgentLine) => (row.budgetUtilization === null ? '' : percent(row.budgetUtilization)) }] : []),
  ]);
}

/** A column in which no row has anything to say is not shown. */
function countColumns(rows: readonly Counts[]): Column<Counts>[] {
  return [
    { title: 'requests', value: (row) => String(row.requests) },
    ...(rows.some((row) => row.hits > 0)
      ? [
          { title: 'cached', value: (row: Counts) => (row.hits === 0 ? '' : String(row.hits)) },
          { title: 'saved', value: (row: Counts) => (row.saved === '0' ? '' : dollars(row.saved)) },
        ]
      : []),
    { title: 'refused', value: (row) => (row.refused === 0 ? '' : String(row.refused)) },
    ...(rows.some((row) => row.shadowed > 0) ? [{ title: 'shadow', value: (row: Counts) => (row.shadowed === 0 ? '' : String(row.shadowed)) }] : []),
  ];
}

function counts<T extends Counts>(rows: readonly T[], name: string, nameOf: (row: T) => string): string[] {
  return tableOf(rows, [{ title: name, value: nameOf }, { title: 'cost', value: (row) => dollars(row.cost) }, ...countColumns(rows)]);
}

function tableOf<T>(rows: readonly T[], all: readonly Column<T>[]): string[] {
  if (rows.length === 0) return [];
  const more = rows.length - MAX_ROWS;
  const lines = columns(rows.slice(0, MAX_ROWS), all);
  return more <= 0 ? lines : [...lines, `  … and ${more} more; \`pag0 report --json\` has them all`];
}

/** Over many sessions the agents of one name are one line; what one agent has left of its budget is no figure for all. */
function merged(rows: readonly AgentRow[]): AgentLine[] {
  const byName = new Map<string, Tally>();
  for (const row of rows) {
    const sum = byName.get(row.agentId) ?? emptyTally();
    addCounts(sum, row);
    byName.set(row.agentId, sum);
  }
  const lines = [...byName].sort(([a, x], [b, y]) => (x.cost === y.cost ? y.requests - x.requests || (a < b ? -1 : 1) : x.cost > y.cost ? -1 : 1));
  return lines.map(([agentId, sum]) => ({ ...countsOf(sum), agentId, total: sum.cost.toString(), budgetUtilization: null }));
}

function stops(all: readonly ReportStop[], timeZone: string): string[] {
  if (all.length === 0) return [];
  const shown = all.slice(-MAX_STOPS);
  const earlier = all.length - shown.length;
  const lines = shown.flatMap((stop) => [
    ...wrap(`${shortened(stop.agentId, 36)}  ${stop.code} after ${count(stop.attempts, 'attempt')}, ${moment(stop.at, timeZone)}`, '  '),
    ...wrap(stop.reason, '    '),
  ]);
  return ['', 'stopped', ...(earlier === 0 ? [] : [`  … and ${earlier} before`]), ...lines];
}
