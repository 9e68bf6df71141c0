import { type EventBody, namedPool, type Plan, type Problem, problem } from '../../lib/model/mod.ts';
import type { PreparedPlan } from '../../lib/prepare/mod.ts';
import { createPalette, plural } from '../../lib/report/mod.ts';
import type { EngineOrder } from '../../lib/run/mod.ts';
import { shellWord } from '../../lib/util/shell.ts';
import { VERSION } from '../../lib/util/version.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatTable, reportProblems, wantsColor, writeJson } from '../output.ts';
import { planSelected } from '../planned.ts';

const FORMS = ['json', 'tree', 'dot', 'mermaid', 'html', 'engines'] as const;

/** `bake-ts plan`: needs no engine, network or secrets. Only `--engines` asks kubectl if builds.yaml names pods. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const forms = FORMS.filter((one) => isSet(args, one));
  if (forms.length > 1) {
    const written = forms.map((one) => `--${one}`).join(' and ');
    return reportProblems(
      [
        problem('cli/conflict', `${written} cannot be combined`, {
          hint: 'Choose one form; it goes to stdout.',
        }),
      ],
      args,
      io,
    );
  }
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(withPageHint(planned.error, args), args, io);
  // Dependencies from unreadable files are missing. The rest is shown anyway; `run` would refuse.
  const { plan, warnings, missing } = planned.value;
  const { findUnnamed } = await import('../../lib/prepare/mod.ts');
  const code = reportProblems([...warnings, ...missing, ...findUnnamed(plan)], args, io);
  const { describePlan, drawDot, drawMermaid, drawTree } = await import('../../lib/plan/mod.ts');
  const [form] = forms;
  if (form === 'json') writeJson(describePlan(plan), io);
  else if (form === 'tree') io.stdout.write(drawTree(plan));
  else if (form === 'engines') return showEngines(planned.value, args, io, code);
  else if (form === 'html') io.stdout.write(await renderPlan(plan, io));
  else if (form === 'dot') io.stdout.write(drawDot(plan));
  else if (form === 'mermaid') {
    const { text, warnings: tooLarge } = drawMermaid(plan);
    reportProblems(tooLarge, args, io);
    io.stdout.write(text);
  } else io.stdout.write(formatPlan(plan, wantsColor(args, io, io.stdout)));
  return code;
}

/** A file name after `--html` is probably meant as the output file. */
function withPageHint(problems: readonly Problem[], args: ParsedArgs): readonly Problem[] {
  const file = isSet(args, 'html') ? args.positionals.find((word) => /\.html?$/i.test(word)) : undefined;
  if (file === undefined) return problems;
  const hint = `The page goes to stdout: bake-ts plan --html > ${shellWord(file)}`;
  return problems.map((one) => (one.message.includes(file) ? { ...one, hint } : one));
}

/** Which engine of the pool each build prefers, in order. */
async function showEngines(
  { plan, dockerfiles }: PreparedPlan,
  args: ParsedArgs,
  io: Io,
  code: ExitCode,
): Promise<ExitCode> {
  const [{ listMembers }, { engineOrders }] = await Promise.all([
    import('../../lib/engine/mod.ts'),
    import('../../lib/run/mod.ts'),
  ]);
  const { engine: settings } = plan.set;
  const entries = namedPool({ flagAddresses: undefined, env: io.env, settings });
  if (entries === undefined) {
    const none = problem('engine/none-found', 'no pool of engines is configured', {
      hint: 'Name several under `engine.pool` of builds.yaml, or in BUILDKIT_HOST, separated by spaces.',
    });
    return reportProblems([none], args, io);
  }
  const { members, problems } = await listMembers(entries, { env: io.env, settings });
  const rows = [...engineOrders(plan, members, dockerfiles)].flatMap(([build, orders]) =>
    orders.map((order, at) => [at === 0 ? build : '', formatOrder(order)]),
  );
  const palette = createPalette(wantsColor(args, io, io.stdout));
  io.stdout.write(formatTable(['BUILD', 'ENGINES, IN ORDER OF PREFERENCE'], rows, palette));
  return reportProblems(problems, args, io) || code;
}

function formatOrder({ platforms, engines }: EngineOrder): string {
  if (engines.length === 0) return 'no engine has its platforms and labels';
  const part = platforms.length === 0 ? '' : `${platforms.join(', ')}: `;
  return `${part}${engines.slice(0, 3).join(', ')}`;
}

/** The page of a run that has not started. */
async function renderPlan(plan: Plan, io: Io): Promise<string> {
  const [{ announceRun }, { createTimeline }, { renderPage }] = await Promise.all([
    import('../../lib/run/mod.ts'),
    import('../../lib/timeline/mod.ts'),
    import('../../lib/page/mod.ts'),
  ]);
  const maker = createTimeline();
  let seq = 0;
  const emit = (body: EventBody) => maker.take({ ...body, seq: ++seq, atMs: io.now() });
  announceRun({ plan, env: io.env, version: VERSION, runtime: io.runtime }, emit);
  return renderPage(maker.timeline(), { kind: 'plan' });
}

function formatPlan(plan: Plan, color: boolean): string {
  const palette = createPalette(color);
  const rows = [...plan.nodes.values()].map((node) => {
    const needs = [...new Map(node.edges.map((edge) => [edge.to, edge.reason]))];
    const [first] = node.build.tags;
    const more = node.build.tags.length - 1;
    return [
      String(node.level),
      node.build.name,
      node.role === 'asked' ? 'requested' : 'dependency',
      needs.map(([to, reason]) => `${to} (${reason})`).join(', '),
      node.pushes ? 'push' : '',
      first === undefined ? '' : `${first.text}${more > 0 ? ` and ${more} more` : ''}`,
    ];
  });
  const levels = new Set([...plan.nodes.values()].map((node) => node.level)).size;
  const table = formatTable(['>LEVEL', 'BUILD', 'WHY', 'NEEDS', 'PUSH', 'TAGS'], rows, palette);
  const unused = [...plan.nodes.values()].flatMap(({ build, unusedContexts }) =>
    unusedContexts.map(
      ({ contextName, to }) =>
        `\`${build.name}\` does not read its named context \`${contextName}\`, so it does not depend on \`${to}\`\n`,
    ),
  );
  return `${table}\n${plural(plan.nodes.size, 'build')} in ${plural(levels, 'level')}\n${unused.join('')}`;
}
