/** Pipelines of small graphs, as `bake-ts ci` prints them. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { runCli } from '../../cli/app.ts';
import { TEST_PACKAGE } from './ci-job.ts';
import { createFakeIo } from './fake-io.ts';
import { type Cleanup, makeTempDir, writeTree } from './temp.ts';

/** A job of a workflow of GitHub or of a GitLab file. */
export interface PrintedJob {
  readonly needs?: readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly 'runs-on'?: string | readonly string[];
  readonly tags?: readonly string[];
  readonly extends?: string;
  readonly strategy?: { readonly matrix: { readonly builds: readonly unknown[] } };
  readonly steps?: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
    readonly env?: Readonly<Record<string, string>>;
  }[];
}

export type Printed = Readonly<Record<string, PrintedJob>>;

/** The systems. */
export type PipelineSystem = 'github' | 'gitlab' | 'argo' | 'tekton';

/** What stands before `builds:` unless a test says otherwise. */
export const HEAD = `record: registry
templates: { image: { tags: ["ghcr.io/acme/\${{ build.name }}:1"], push: true } }
builds:
`;

/** `os` ← `base` ← `api` and `web`; `site` copies of `tools`, which is not pushed. */
export const SHOP: Readonly<Record<string, readonly string[]>> = {
  os: [],
  base: ['os'],
  api: ['base'],
  web: ['base'],
  '!tools': [],
  site: ['tools'],
};

/** What was printed. */
export interface PrintedPipeline {
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: documents of somebody else's form.
  readonly documents: readonly any[];
  /** The first document, of GitHub or GitLab. */
  readonly parsed: { jobs: Printed } & Printed;
  readonly err: string;
}

/** Writes a builds.yaml whose builds are based on one another (name → parents; `!` before a name: not pushed) and prints it. */
export async function printPipeline(
  t: Cleanup,
  system: PipelineSystem,
  graph: Readonly<Record<string, readonly string[]>>,
  {
    args = [],
    head = HEAD,
    below = '',
    more = {},
  }: {
    args?: readonly string[];
    head?: string;
    below?: string;
    /** More of a build, such as `platforms: [linux/amd64]`. */
    more?: Readonly<Record<string, string>>;
  } = {},
): Promise<PrintedPipeline> {
  const top = await makeTempDir(t);
  const dir = path.join(top, below);
  const tree: Record<string, string> = {};
  let text = head;
  for (const [written, parents] of Object.entries(graph)) {
    const name = written.replace('!', '');
    const contexts = parents.map((parent) => `p${parents.indexOf(parent)}: "build:${parent}"`).join(', ');
    const extended = written.startsWith('!') ? '' : 'extends: image, ';
    const own = more[name] === undefined ? '' : `, ${more[name]}`;
    text += `  "${name}": { ${extended}context: "${name}", contexts: { ${contexts} }${own} }\n`;
    const copies = parents.map((_parent, at) => `COPY --from=p${at} a /${at}`).join('\n');
    tree[`${name}/Dockerfile`] = `FROM scratch\nLABEL a=b\n${copies}\n`;
  }
  await writeTree(dir, { ...tree, 'builds.yaml': text });
  await writeTree(top, { '.git/HEAD': 'ref: refs/heads/main\n' });
  const source = args.some((one) => /^--(?:action|package)/.test(one)) ? [] : [`--package=${TEST_PACKAGE}`];
  const io = createFakeIo(['ci', system, ...source, ...args], { cwd: dir });
  const code = await runCli(io);
  assert.equal(code, 0, io.err());
  const documents = parseAllDocuments(io.out()).map((one) => {
    assert.deepEqual([one.errors, one.warnings], [[], []]);
    return one.toJS();
  });
  return { text: io.out(), documents, parsed: documents[0], err: io.err() };
}
