import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SaxesParser } from 'saxes';
import type { BakeEvent, Outcome, ProblemJson } from '../../lib/model/mod.ts';
import { buildTimeline, formatJunit } from '../../lib/timeline/mod.ts';
import { failingRun, mixedRun, recordEvents } from '../rig/recorded-runs.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** Reads a document; whatever XML 1.0 forbids is an error. */
function parse(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => assert.fail(error));
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes: { ...attributes }, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => open.pop());
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.write(xml).close();
  const [top] = root.children;
  assert(top !== undefined);
  return top;
}

/** Elements and attributes that junit-10.xsd of Jenkins' xUnit plugin has, as far as they may be used here. */
const SCHEMA: Readonly<Record<string, { readonly attributes: string; readonly children: string }>> = {
  testsuites: { attributes: 'name time tests failures errors', children: 'testsuite' },
  testsuite: {
    attributes: 'name tests failures errors group time skipped timestamp hostname id package file log url',
    children: 'testsuite properties testcase system-out system-err',
  },
  properties: { attributes: '', children: 'property' },
  property: { attributes: 'name value', children: '' },
  testcase: {
    attributes: 'name time classname group',
    children: 'skipped error failure system-out system-err',
  },
  skipped: { attributes: 'type message', children: '' },
  error: { attributes: 'type message', children: '' },
  failure: { attributes: 'type message', children: '' },
  'system-out': { attributes: '', children: '' },
};

function checkSchema(element: Element): void {
  const { attributes, children } = SCHEMA[element.name] ?? assert.fail(`no element ${element.name}`);
  for (const name of Object.keys(element.attributes))
    assert(attributes.split(' ').includes(name), `${element.name} has no attribute ${name}`);
  for (const child of element.children) {
    assert(children.split(' ').includes(child.name), `${element.name} has no child ${child.name}`);
    checkSchema(child);
  }
  if (children !== '' && element.name !== 'testcase') assert.equal(element.text.trim(), '');
}

function report(events: readonly BakeEvent[]) {
  const top = parse(formatJunit(buildTimeline(events)));
  checkSchema(top);
  const [suite] = top.children;
  assert(suite !== undefined);
  const cases = suite.children.filter(({ name }) => name === 'testcase');
  return { top, suite, cases };
}

test('what is up to date, tagged or built passed, with its reason', () => {
  const { top, suite, cases } = report(mixedRun());
  assert.deepEqual([top.attributes['tests'], top.attributes['failures']], ['4', '0']);
  assert.deepEqual(
    [suite.attributes['skipped'], suite.attributes['timestamp']],
    ['0', '2026-01-02T03:04:05'],
  );
  assert.deepEqual(
    cases.map(({ attributes: { name, classname, time }, children: [first] }) => [
      name,
      classname,
      time,
      first?.name,
    ]),
    [
      ['base', 'bake-ts', '4.200', 'system-out'],
      ['api', 'bake-ts', '12.300', 'system-out'],
      ['worker-python3.13', 'bake-ts', '0.120', 'system-out'],
      ['web', 'bake-ts', '0.035', 'system-out'],
    ],
  );
  assert.match(
    cases[1]?.children[0]?.text ?? '',
    /^built: inputs changed\n {2}context: src\/server.ts changed\n/,
  );
  assert.match(cases[3]?.children[0]?.text ?? '', /^unchanged: the inputs are the same/);
});

test('what failed is a failure with its log, what waited for it is skipped and says why', () => {
  const { suite, cases } = report(failingRun());
  assert.deepEqual(
    [
      suite.attributes['tests'],
      suite.attributes['failures'],
      suite.attributes['errors'],
      suite.attributes['skipped'],
    ],
    ['3', '1', '0', '2'],
  );
  const [failure] = cases[0]?.children ?? [];
  assert.deepEqual(
    [failure?.name, failure?.attributes['type'], failure?.attributes['message']],
    ['failure', 'build/step-failed', '[2/4] RUN make install ended with exit code 2'],
  );
  assert.match(
    failure?.text ?? '',
    /^error\[build\/step-failed\]: .*\nat images\/base\/Dockerfile:2:1\nrun it again/,
  );
  assert.match(cases[1]?.children[0]?.text ?? '', /^not built: it needs base,/);
  assert.equal(cases[2]?.children[0]?.text, 'cancelled by SIGINT');
});

test('a run that was killed has an error for each build that it left', () => {
  const events = mixedRun();
  const cut = events.findIndex(({ type }) => type === 'node-finished');
  const { suite, cases } = report(events.slice(0, cut + 1));
  assert.deepEqual([suite.attributes['tests'], suite.attributes['errors']], ['4', '3']);
  assert.equal(cases[0]?.children[0]?.attributes['message'], 'the run ended before it finished');
});

test('a problem of the run as a whole is a case of its own', () => {
  const events = failingRun().map((event) =>
    event.type === 'run-finished'
      ? { ...event, summary: { ...event.summary, problems: [engineProblem('no engine')] } }
      : event,
  );
  const { cases, suite } = report(events);
  assert.deepEqual(
    [cases.at(-1)?.attributes['name'], cases.at(-1)?.children[0]?.name, suite.attributes['errors']],
    ['the run as a whole', 'error', '1'],
  );
});

test('text of builds cannot break the document, nor hide in it', () => {
  const nasty =
    'a<b>&"\']]>\u0000\u001b[31mred\u001b[0m\u0008\ud800 \uffff \u202eevil 10%\r100%\n\ttab \u{1f600}';
  const outcome: Outcome = {
    build: 'a',
    kind: 'failed',
    tags: [],
    durationMs: 1,
    problem: { ...engineProblem(nasty), detail: nasty },
  };
  const { cases } = report(
    recordEvents([
      {
        type: 'planned',
        nodes: [{ build: 'a', role: 'asked', level: 0, needs: [], tags: [], pushes: false }],
      },
      { type: 'node-finished', build: 'a', outcome },
    ]),
  );
  const shown = '100%\n\ttab \u{1f600}';
  const [failure] = cases[0]?.children ?? [];
  assert.equal(failure?.attributes['message'], shown);
  assert.equal(failure?.text, `error[engine/none]: ${shown}\n\n${shown}`.replace(/^.*100%/, '100%'));
});

test('characters that XML has no way to write are drawn', () => {
  const outcome: Outcome = {
    build: 'a',
    kind: 'built',
    tags: [],
    durationMs: 1,
    reason: { code: 'changed', text: 'a<b>&"\']]>\u0000\u001b[31mred\u001b[0m\ud800\uffff\u202e' },
  };
  const { cases } = report(recordEvents([{ type: 'node-finished', build: 'a', outcome }]));
  assert.equal(cases[0]?.children[0]?.text, 'built: a<b>&"\']]>·red\ufffd\ufffd·');
});

function engineProblem(message: string): ProblemJson {
  return { severity: 'error', code: 'engine/none', message };
}
