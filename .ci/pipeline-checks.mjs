/**
 * External checks of pipelines for the tests: actionlint for GitHub workflows, and the schemas of Argo's and Tekton's
 * objects from the CustomResourceDefinitions in their repositories.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensurePrograms } from './programs.mjs';
import { run } from './support.mjs';

/** Go modules with their checksums as in go.sum, and the files that define each kind. */
const MODULES = [
  {
    module: 'github.com/argoproj/argo-workflows/v3@v3.7.2',
    sum: 'h1:Fi6j0q2sCg6cfkntKde5KA+TfJgMrq1MzJCmOESlWNw=',
    kinds: { WorkflowTemplate: 'manifests/base/crds/full/argoproj.io_workflowtemplates.yaml' },
  },
  {
    module: 'github.com/tektoncd/pipeline@v1.9.0',
    sum: 'h1:f/5Vwq1bF4eQQk3hiE7Y5fMvq1nJRTxqqhq5E9YZBeQ=',
    kinds: {
      Task: 'config/300-crds/300-task.yaml',
      Pipeline: 'config/300-crds/300-pipeline.yaml',
      PipelineRun: 'config/300-crds/300-pipelinerun.yaml',
    },
  },
];

/** The directory with `actionlint` and `KIND.json` for each kind; see `ensurePrograms`. */
export async function ensurePipelineChecks() {
  const dir = await ensurePrograms('pipeline-checks', ['tool'], ['actionlint']);
  for (const { module, sum, kinds } of MODULES) {
    // With the version in its name, to distinguish versions.
    const mark = path.join(dir, module.replace(/[^\w.@-]/g, '_'));
    if (existsSync(mark)) continue;
    const { Dir, Sum } = await download(module);
    if (Sum !== sum) throw new Error(`${module} has the checksum ${Sum}, and not ${sum}`);
    for (const [kind, file] of Object.entries(kinds))
      writeFileSync(path.join(dir, `${kind}.json`), JSON.stringify(await schemaIn(path.join(Dir, file))));
    writeFileSync(mark, '');
  }
  return dir;
}

/** The directory of an unpacked Go module, with its checksum. */
async function download(module) {
  const { code, stdout } = await run(['go', 'mod', 'download', '-json', module], {
    // Outside of any module, because only the CRDs are needed and no dependencies.
    cwd: tmpdir(),
    env: { GO111MODULE: 'on', GOFLAGS: '-mod=mod', GOWORK: 'off' },
  });
  const answer = JSON.parse(stdout || '{}');
  if (code !== 0) throw new Error(`${module} cannot be had: ${answer.Error ?? `exit code ${code}`}`);
  return answer;
}

/** The schema of the stored version. */
async function schemaIn(file) {
  // Imported here, because packages may not be installed when this file is loaded.
  const { parse } = await import('yaml');
  const { versions } = parse(readFileSync(file, 'utf8')).spec;
  return versions.find(({ storage }) => storage).schema.openAPIV3Schema;
}
