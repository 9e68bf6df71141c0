/** What commands load before it is needed: each file costs time at every start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLoaded, readModules } from '../rig/imports.ts';

const MODULES = [...readModules('cli'), ...readModules('lib')];

/** What only some runs need: those in CI, those of which files or traces are made. */
const LATER = /^(?:lib\/(?:ci|timeline|page|watch|verify)\/|@opentelemetry\/)/;

const laterIn = (...roots: readonly string[]): readonly string[] =>
  [...findLoaded(MODULES, roots)].filter((one) => LATER.test(one)).sort();

test('what is loaded with a file is found', () => {
  assert(laterIn('cli/github.ts').includes('lib/ci/job-summary.ts'));
  assert(laterIn('cli/telemetry-send.ts').includes('@opentelemetry/sdk-trace-base'));
  assert(laterIn('cli/commands/report.ts').includes('lib/page/mod.ts'));
});

test('the command line loads nothing that only some commands need', () => {
  assert.deepEqual(laterIn('cli/main.ts'), []);
});

test('a run outside of CI, of which nothing is made, loads nothing of what makes it', () => {
  const loaded = [
    'cli/main.ts',
    'cli/commands/run.ts',
    'lib/config/mod.ts',
    'lib/prepare/mod.ts',
    'lib/run/mod.ts',
    'lib/history/mod.ts',
  ];
  for (const file of loaded)
    assert(
      MODULES.some((one) => one.file === file),
      file,
    );
  assert.deepEqual(laterIn(...loaded), []);
});

test('a plan of a bake file loads neither what only import needs nor what only checks builds files', () => {
  const loaded = [
    ...findLoaded(MODULES, [
      'cli/main.ts',
      'cli/commands/plan.ts',
      'lib/config/mod.ts',
      'lib/config/bake-source.ts',
      'lib/prepare/mod.ts',
    ]),
  ];
  assert(loaded.includes('lib/hcl/parse-body.ts'));
  const needless = /^(?:lib\/convert\/|lib\/config\/(?:validate|generated\/)|yaml$)/;
  assert.deepEqual(
    loaded.filter((one) => needless.test(one)),
    [],
  );
});
