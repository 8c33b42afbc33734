import { beforeAll, describe, expect, test } from '@jest/globals';
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { until } from '../support/process.js';
import { scrape, sumOf, type Sample } from '../support/scrape.js';
import { useApi } from '../support/use-api.js';

const FOLDER = fileURLToPath(new URL('../../deploy/monitoring/', import.meta.url));
/** Of Debian's package `prometheus`. */
const PROMTOOL = '/usr/bin/promtool';
/** What Prometheus adds to each sample by itself, and a metric of its own. */
const ADDED_LABELS: ReadonlySet<string> = new Set(['job', 'instance']);
const UP: Sample = { name: 'up', labels: {}, value: 1 };

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: unknown }[] };
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

const dashboard = JSON.parse(await readFile(`${FOLDER}dashboard.json`, 'utf8')) as Dashboard;
const rulesText = await readFile(`${FOLDER}alerts.yml`, 'utf8');
const { groups } = parse(rulesText) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const targets = dashboard.panels.flatMap(({ title, targets: of = [] }) =>
  of.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
);

/** Grafana's variables have the values that they have in a browser. */
const filledIn = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|instance)\b/g, '.*');

interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly op: string; readonly value: string }[];
  /** Labels that stand around it: after `by` or `on`, say. */
  readonly groupedBy: readonly string[];
}

/** What an expression selects. @throws where it is no PromQL */
function selectorsOf(expr: string): Selector[] {
  const text = (node: SyntaxNode): string => expr.slice(node.from, node.to);
  const found: Selector[] = [];
  const visit = (node: SyntaxNode, groupedBy: readonly string[]): void => {
    if (node.type.isError) throw new Error(`No PromQL at ${node.from}: ${expr}`);
    if (node.name === 'VectorSelector') found.push(selectorOf(node, groupedBy));
    const modifier = node.getChild('AggregateModifier') ?? node.getChild('MatchingModifierClause');
    const labels = modifier?.getChild('GroupingLabels')?.getChildren('LabelName').map(text) ?? [];
    for (let child = node.firstChild; child; child = child.nextSibling)
      visit(child, [...groupedBy, ...labels]);
  };
  const selectorOf = (node: SyntaxNode, groupedBy: readonly string[]): Selector => {
    const name = node.getChild('Identifier');
    if (name === null) throw new Error(`A selector without a name: ${expr}`);
    const matchers = (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map(
      (matcher) => {
        const [label, op, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((kind) =>
          matcher.getChild(kind),
        );
        if (!label || !op || !value) throw new Error(`A matcher without a part: ${text(matcher)}`);
        return { label: text(label), op: text(op), value: JSON.parse(text(value)) as string };
      },
    );
    return { name: text(name), matchers, groupedBy };
  };
  visit(parser.parse(expr).topNode, []);
  return found;
}

/** What of an expression is not in a scrape. */
function missingIn(samples: readonly Sample[], expr: string): string[] {
  const selectors = selectorsOf(expr);
  if (selectors.length === 0) return [`${expr} selects nothing`];
  return selectors.flatMap(({ name, matchers, groupedBy }) => {
    const ofName = [...samples, UP].filter((sample) => sample.name === name);
    if (ofName.length === 0) return [name];
    const isThere = (label: string): boolean =>
      ADDED_LABELS.has(label) || ofName.some(({ labels }) => label in labels);
    const labels = [...matchers.map(({ label }) => label), ...groupedBy].filter((label) => !isThere(label));
    const own = matchers.filter(({ label }) => !ADDED_LABELS.has(label));
    const matches = (sample: Sample, { label, op, value }: (typeof own)[number]): boolean => {
      const given = sample.labels[label] ?? '';
      const isEqual = op.endsWith('~') ? new RegExp(`^(?:${value})$`).test(given) : given === value;
      return op.startsWith('!') ? !isEqual : isEqual;
    };
    // Each value that is named, one by one.
    const values = own.flatMap((matcher) => matcher.value.split('|').map((value) => ({ ...matcher, value })));
    const unmatched = values.filter((matcher) => !ofName.some((sample) => matches(sample, matcher)));
    const isEmpty = !ofName.some((sample) => own.every((matcher) => matches(sample, matcher)));
    return [
      ...labels.map((label) => `${name}{${label}}`),
      ...unmatched.map(({ label, value }) => `${name}{${label}="${value}"}`),
      ...(isEmpty ? [`${name} with all of ${JSON.stringify(own)}`] : []),
    ];
  });
}

const { api, rows } = useApi();
let samples: Sample[];
beforeAll(async () => {
  const owner = await rows.owner();
  await api.data('query Well { games { totalCount } }', {}, owner);
  await api.query('query Wrong { games(first: 0) { totalCount } }', {}, owner);
  await api.database.query('ALTER TABLE games RENAME TO hidden_games');
  await api.query('query Fails { games { totalCount } }', {}, owner);
  await api.database.query('ALTER TABLE hidden_games RENAME TO games');
  samples = await until(async () => {
    const now = await scrape(api.origin);
    return sumOf(now, 'graphql_operation_duration_seconds_count', { outcome: 'server_error' }) > 0 && now;
  });
});

describe('the dashboard', () => {
  test.each(targets)('%s: what it asks for is there: %s', (_title, expr, legend) => {
    const query = filledIn(expr);
    expect(missingIn(samples, query)).toEqual([]);
    const [first] = selectorsOf(query);
    const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
    const grouped = first?.groupedBy ?? [];
    for (const label of shown) expect(grouped.length > 0 ? grouped : ['instance']).toContain(label);
  });

  test('has variables of a metric that is there, and says of each panel what it shows', () => {
    const queries = dashboard.templating.list.flatMap(({ query }) =>
      typeof query === 'object' && query !== null && 'query' in query ? [String(query.query)] : [],
    );
    expect(queries).toHaveLength(2);
    const names = new Set(samples.map(({ name }) => name));
    for (const query of queries) expect(names).toContain(/^label_values\((\w+)/.exec(query)?.[1]);
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    expect(panels.length).toBeGreaterThan(15);
    for (const { description = '' } of panels) expect(description).not.toBe('');
  });
});

describe('the alert rules', () => {
  test.each(rules.map(({ alert, expr }) => [alert, expr] as const))(
    '%s: what it looks at is there: %s',
    (_alert, expr) => {
      expect(missingIn(samples, expr)).toEqual([]);
    },
  );

  test('each stand in docs/signals.md, with what to do', async () => {
    const text = await readFile(new URL('../../docs/signals.md', import.meta.url), 'utf8');
    const told = [...text.matchAll(/^\| `(GameGraphql\w+)` \| \S/gm)].map(([, alert]) => alert);
    expect(told).toEqual(rules.map(({ alert }) => alert));
  });

  test('and the job of the scrape have one name', async () => {
    const config = parse(await readFile(`${FOLDER}prometheus.yml`, 'utf8')) as {
      readonly rule_files: readonly string[];
      readonly scrape_configs: readonly { readonly job_name: string; readonly metrics_path?: string }[];
    };
    expect(config.rule_files).toEqual(['alerts.yml']);
    expect(config.scrape_configs).toMatchObject([{ job_name: 'game-graphql' }]);
    const jobs = [...rulesText.matchAll(/job="([^"]+)"/g)].map(([, job]) => job);
    expect(new Set(jobs)).toEqual(new Set(['game-graphql']));
  });
});

if (!existsSync(PROMTOOL)) process.stdout.write(`${PROMTOOL} is not there: it checks no alert rules.\n`);

(existsSync(PROMTOOL) ? describe : describe.skip)('promtool', () => {
  test('says that the alert rules fire where they should, and not where all is well', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'game-graphql-rules-'));
    const promtool = async (...args: readonly string[]): Promise<string> =>
      (await promisify(execFile)(PROMTOOL, [...args], { cwd: directory })).stdout;
    try {
      await cp(FOLDER, directory, { recursive: true });
      await cp(
        fileURLToPath(new URL('alerts.promtool.yaml', import.meta.url)),
        join(directory, 'tests.yaml'),
      );
      expect(await promtool('check', 'config', 'prometheus.yml')).toContain(`${rules.length} rules found`);
      expect(await promtool('test', 'rules', 'tests.yaml')).toContain('SUCCESS');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('an expression', () => {
  test.each([
    ['graphql_errors_total{code="NOT_FOUND"}', []],
    ['graphql_mistakes_total', ['graphql_mistakes_total']],
    ['sum by (kind) (graphql_errors_total)', ['graphql_errors_total{kind}']],
    ['graphql_errors_total{kind="x"}', expect.arrayContaining(['graphql_errors_total{kind}'])],
    [
      'graphql_errors_total{code="NO_SUCH"}',
      expect.arrayContaining(['graphql_errors_total{code="NO_SUCH"}']),
    ],
    [
      'graphql_requests_shed_total{reason=~"capacity|weather"}',
      ['graphql_requests_shed_total{reason="weather"}'],
    ],
  ])('%s lacks %j', (expr, missing) => {
    expect(missingIn(samples, expr)).toEqual(missing);
  });

  test('that is no PromQL is none', () => {
    expect(() => selectorsOf('sum by (rate(')).toThrow('No PromQL');
  });
});
