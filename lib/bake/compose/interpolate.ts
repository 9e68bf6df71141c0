/**
 * Expands variables in all strings of a Compose file, and converts strings to numbers or booleans where Compose requires them
 * (compose-go loader/interpolate.go). Keys are not changed.
 */
import { boolNode, isText, type MapNode, mapItems, mapValues, type Node, type ScalarNode } from './node.ts';
import { down, ITEM, PathTable, type Position, ruleAt } from './patterns.ts';
import type { Report } from './report.ts';
import { goFloat } from './scalar.ts';
import { type Lookup, substitute } from './template.ts';

/** What a text becomes. */
type Cast = 'int' | 'float' | 'bool';

const CONTAINER: Readonly<Record<string, Cast>> = {
  cpu_count: 'int',
  cpu_percent: 'float',
  cpu_period: 'int',
  cpu_quota: 'int',
  cpu_rt_period: 'int',
  cpu_rt_runtime: 'int',
  cpus: 'float',
  cpu_shares: 'int',
  init: 'bool',
  oom_kill_disable: 'bool',
  oom_score_adj: 'int',
  pids_limit: 'int',
  privileged: 'bool',
  read_only: 'bool',
  'ulimits.*': 'int',
  'ulimits.*.hard': 'int',
  'ulimits.*.soft': 'int',
  'volumes.[].read_only': 'bool',
  'volumes.[].volume.nocopy': 'bool',
};

const WORKLOAD: Readonly<Record<string, Cast>> = {
  'depends_on.*.required': 'bool',
  'depends_on.*.restart': 'bool',
  'healthcheck.retries': 'int',
  'healthcheck.disable': 'bool',
  'ports.[].target': 'int',
  stdin_open: 'bool',
  tty: 'bool',
};

const SERVICE: Readonly<Record<string, Cast>> = {
  'deploy.replicas': 'int',
  'deploy.update_config.parallelism': 'int',
  'deploy.update_config.max_failure_ratio': 'float',
  'deploy.rollback_config.parallelism': 'int',
  'deploy.rollback_config.max_failure_ratio': 'float',
  'deploy.restart_policy.max_attempts': 'int',
  'deploy.placement.max_replicas_per_node': 'int',
  scale: 'int',
};

const FILE: Readonly<Record<string, Cast>> = {
  'networks.*.external': 'bool',
  'networks.*.internal': 'bool',
  'networks.*.attachable': 'bool',
  'networks.*.enable_ipv4': 'bool',
  'networks.*.enable_ipv6': 'bool',
  'volumes.*.external': 'bool',
  'secrets.*.external': 'bool',
  'configs.*.external': 'bool',
};

function* below(prefix: string, casts: Readonly<Record<string, Cast>>): Generator<readonly [string, Cast]> {
  for (const [path, cast] of Object.entries(casts)) yield [`${prefix}.${path}`, cast];
}

const CASTS = new PathTable<Cast>([
  ...Object.entries(FILE),
  ...below('services.*', CONTAINER),
  ...below('jobs.*', CONTAINER),
  ...below('services.*.pre_start.*', CONTAINER),
  ...below('services.*', WORKLOAD),
  ...below('jobs.*', WORKLOAD),
  ...below('services.*', SERVICE),
]);

/** The file with its variables filled in. */
export function interpolate(file: MapNode, lookup: Lookup, report: Report): MapNode {
  const start = CASTS.start();
  return mapValues(file, (value, key) => fill(value, down(start, key), lookup, report));
}

function fill(node: Node, at: Position<Cast>, lookup: Lookup, report: Report): Node {
  if (node.kind === 'map') return mapValues(node, (value, key) => fill(value, down(at, key), lookup, report));
  if (node.kind === 'list') return mapItems(node, (item) => fill(item, down(at, ITEM), lookup, report));
  if (!isText(node)) return node;
  const found = substitute(node.text, lookup);
  if (!found.ok) {
    report.add(node.span, found.message, found.hint);
    return node;
  }
  const filled = found.text === node.text ? node : { ...node, text: found.text };
  const cast = ruleAt(at);
  if (cast === undefined) return filled;
  const value = castText(filled, cast);
  if (value !== undefined) return value;
  const words = { int: 'a whole number', float: 'a number', bool: 'true or false' };
  const origin = filled === node ? '' : `, which "${node.text}" comes to,`;
  report.add(
    node.span,
    `"${filled.text}"${origin} is not ${words[cast]}`,
    'Give a variable that may be unset a default: ${NAME:-1}.',
  );
  return node;
}

/** A text as what a cast makes of it; undefined where it is none. */
function castText(node: ScalarNode, cast: Cast): ScalarNode | undefined {
  if (cast === 'bool') {
    const value = readBoolean(node.text);
    return value === undefined ? undefined : boolNode(value, node.span);
  }
  if (cast === 'int') {
    if (!/^[-+]?[0-9]+$/.test(node.text)) return undefined;
    const value = BigInt(node.text.replace('+', ''));
    if (value < -(1n << 63n) || value >= 1n << 63n) return undefined;
    return { ...node, type: 'int', text: String(value) };
  }
  if (!/^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/.test(node.text)) {
    return /^[-+]?(?:inf|infinity|nan)$/i.test(node.text) ? { ...node, type: 'float' } : undefined;
  }
  return { ...node, type: 'float', text: goFloat(Number(node.text)) };
}

/** Words for true and false that Compose takes. */
export function readBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (['true', 'y', 'yes', 'on'].includes(word)) return true;
  if (['false', 'n', 'no', 'off'].includes(word)) return false;
  return undefined;
}
