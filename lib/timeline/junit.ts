/**
 * A run as a JUnit report, as GitLab, Jenkins and others read it: one suite, one test case per build. Elements and
 * attributes follow Jenkins' schema (junit-10.xsd of its xUnit plugin). GitLab shows the text of a failure and not its
 * `message`, so the text contains everything.
 */
import type { Outcome, PlaceJson, ProblemJson } from '../model/mod.ts';
import type { BuildTimeline, RunTimeline } from './timeline.ts';
import { xmlElement, xmlText } from './xml.ts';

/** Shown as the class of all builds. */
const CLASS = 'bake-ts';

type Verdict = 'passed' | 'failure' | 'error' | 'skipped';

/** A test case and its status. */
interface Case {
  readonly verdict: Verdict;
  readonly text: string;
}

/**
 * The whole document. Up-to-date and retagged builds passed; blocked and cancelled ones are skipped; builds without an
 * end are errors. Problems of the run as a whole are a separate case.
 */
export function formatJunit(run: RunTimeline): string {
  const cases = [...run.builds.map((build) => caseOf(build, run)), ...casesOfRun(run)];
  const count = (verdict: Verdict) => String(cases.filter((one) => one.verdict === verdict).length);
  const time = seconds(run.durationMs);
  const counts = { tests: String(cases.length), failures: count('failure'), errors: count('error') };
  const suite = xmlElement(
    'testsuite',
    { name: CLASS, ...counts, skipped: count('skipped'), time, timestamp: timestamp(run.startedAtMs) },
    ['\n', properties(run), ...cases.map(({ text }) => `    ${text}\n`), '  '],
  );
  const suites = xmlElement('testsuites', { name: CLASS, ...counts, time }, [`\n  ${suite}\n`]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${suites}\n`;
}

function properties(run: RunTimeline): string {
  const known: readonly (readonly [string, string | undefined])[] = [
    ['run', run.runId],
    ['version', run.version],
    ['runtime', run.runtime],
    ['command', run.command?.join(' ')],
    ['engine', run.engine?.address],
  ];
  const elements = known.flatMap(([name, value]) =>
    value === undefined ? [] : [xmlElement('property', { name, value }, [])],
  );
  return `    ${xmlElement('properties', {}, elements)}\n`;
}

function caseOf(build: BuildTimeline, run: RunTimeline): Case {
  const { outcome, time } = build;
  const timeMs = outcome?.durationMs ?? (time === undefined ? 0 : time.toMs - time.fromMs);
  const head = { name: build.build, classname: CLASS, time: seconds(timeMs) };
  const { verdict, content } = judge(outcome, run);
  return { verdict, text: xmlElement('testcase', head, content) };
}

function judge(
  outcome: Outcome | undefined,
  run: RunTimeline,
): { readonly verdict: Verdict; readonly content: readonly string[] } {
  switch (outcome?.kind) {
    case 'built':
    case 'retagged':
    case 'unchanged':
      return { verdict: 'passed', content: [xmlElement('system-out', {}, [xmlText(passedText(outcome))])] };
    case 'failed':
      return { verdict: 'failure', content: [problemElement('failure', outcome.problem)] };
    case 'blocked':
      return skipped(`not built: it needs ${outcome.blockedBy ?? 'another build'}, which did not succeed`);
    case 'cancelled':
      return skipped(run.interruptedBy === undefined ? 'cancelled' : `cancelled by ${run.interruptedBy}`);
    case undefined:
      return run.finished
        ? skipped('the run ended before its turn')
        : {
            verdict: 'error',
            content: [xmlElement('error', { message: 'the run ended before it finished' }, [])],
          };
  }
}

function skipped(message: string) {
  return { verdict: 'skipped' as const, content: [xmlElement('skipped', { message }, [xmlText(message)])] };
}

function passedText({ kind, reason, digest, tags, dryRun }: Outcome): string {
  const what = dryRun === true && kind !== 'unchanged' ? `would be ${kind}` : kind;
  return [
    reason === undefined ? what : `${what}: ${reason.text}`,
    ...(reason?.items ?? []).map((item) => `  ${item}`),
    ...(digest === undefined ? [] : [digest]),
    ...tags.map(({ ref, action }) => `${ref} (${action})`),
  ].join('\n');
}

function problemElement(name: 'failure' | 'error', found: ProblemJson | undefined): string {
  if (found === undefined) return xmlElement(name, { message: 'it failed' }, []);
  const lines = [
    `error[${found.code}]: ${found.message}`,
    ...placesOf(found).map(({ file, line, column }) => `at ${file}:${line}:${column}`),
    ...(found.hint === undefined ? [] : [found.hint]),
    ...(found.detail === undefined ? [] : ['', found.detail.trimEnd()]),
  ];
  return xmlElement(name, { message: found.message, type: found.code }, [xmlText(lines.join('\n'))]);
}

function placesOf({ place }: ProblemJson): readonly PlaceJson[] {
  return place === undefined ? [] : [place];
}

function casesOfRun({ summary }: RunTimeline): readonly Case[] {
  const problems = (summary?.problems ?? []).filter(({ severity }) => severity === 'error');
  if (problems.length === 0) return [];
  const errors = problems.map((found) => problemElement('error', found));
  const head = { name: 'the run as a whole', classname: CLASS, time: '0.000' };
  return [{ verdict: 'error', text: xmlElement('testcase', head, errors) }];
}

function seconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}

/** In UTC without a zone, as the format requires. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}
