/** A run with the environment of the runners of GitHub and GitLab: what is in their logs and files afterwards. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { renderMarkdown, rowsOf, tagsOf } from '../ci/markdown.ts';
import { readCommands, readOutputs } from '../rig/actions-runner.ts';
import { findBusybox } from '../rig/busybox.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeWorkspace } from './support.ts';

/** What a step writes that wants to be more than a log. */
const EVIL = '::error file=x::forged; ##[add-mask]all; </pre><script>alert(1)</script>';

test('CI systems', { skip: realEngine.skip, timeout: 300_000 }, async (t) => {
  const { host } = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'shop/busybox': { content: await readFile(await findBusybox(t)), mode: 0o755 },
    'shop/builds.yaml': `
templates:
  image: { tags: ["${host}/ci/\${{ build.name }}:1"], push: true }
builds:
  base: { extends: image, context: ., dockerfile: base.Dockerfile }
  api: { extends: image, context: api, contexts: { base: build:base } }
  web: { extends: image, context: web, contexts: { base: build:base } }
  top: { extends: image, context: web, dockerfile-inline: "FROM web", contexts: { web: build:web } }
  local: { context: ., dockerfile-inline: "FROM scratch\\nCOPY builds.yaml /", tags: ["${host}/ci/local:1"] }
`,
    'shop/base.Dockerfile': 'FROM scratch\nCOPY busybox /\nRUN ["/busybox", "--install", "-s", "/bin"]\n',
    'shop/api/Dockerfile': 'FROM base\nRUN ["/busybox", "echo", "fine"]\n',
    'shop/web/Dockerfile': `FROM base\n\nRUN ["/busybox", "sh", "-c", "echo '${EVIL}'; echo no rule for all; exit 2"]\n`,
  });
  const files = path.join(work.home, '_runner_file_commands');
  const [outputFile, summaryFile] = [path.join(files, 'set_output'), path.join(files, 'step_summary')];
  await mkdir(files);
  const prepare = () => Promise.all([outputFile, summaryFile].map((file) => writeFile(file, '')));
  const github = {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: work.dir,
    GITHUB_OUTPUT: outputFile,
    GITHUB_STEP_SUMMARY: summaryFile,
    GITHUB_ENV: path.join(files, 'set_env'),
  };
  const cwd = path.join(work.dir, 'shop/api');

  await t.test('GitHub: one build of several fails', async () => {
    await prepare();
    const { exitCode, stdout, stderr } = await work.run(['run', '-f', '../builds.yaml', '*'], {
      cwd,
      env: github,
    });
    assert.equal(exitCode, 1, stderr);
    const commands = readCommands(`${stdout}\n${stderr}`);
    const errors = commands.filter(({ command }) => command === 'error');
    assert.equal(errors.length, 1, stdout);
    assert.deepEqual(
      [errors[0]?.properties['file'], errors[0]?.properties['line'], errors[0]?.properties['title']],
      ['shop/web/Dockerfile', '3', 'web: build/step-failed'],
    );
    assert.match(errors[0]?.data ?? '', /no rule for all$/);
    assert.deepEqual(
      commands.filter(({ command }) => !['error', 'group', 'endgroup'].includes(command)),
      [],
    );

    const outputs = readOutputs(await readFile(outputFile, 'utf8'));
    const images = JSON.parse(outputs.get('images') ?? '');
    assert.deepEqual(
      Object.entries(images).map(([build, one]) => [build, (one as { readonly result: string }).result]),
      [
        ['base', 'built'],
        ['api', 'built'],
        ['web', 'failed'],
        ['top', 'blocked'],
        ['local', 'built'],
      ],
    );
    const digest = await digestOf(`${host}/ci/api:1`);
    assert.equal(images.api.image, `${host}/ci/api@${digest}`);
    assert.equal(await digestOf(images.api.image), digest);
    assert.equal(images.local.image, undefined, 'what is not pushed has no name that others could pull');
    assert.deepEqual(JSON.parse(outputs.get('failed') ?? ''), ['web']);

    const text = await readFile(summaryFile, 'utf8');
    assert.match(text, /^## ❌ bake-ts: 1 failed, 1 blocked, 3 built in /);
    const html = renderMarkdown(text);
    assert.deepEqual(
      tagsOf(html).filter((tag) => /script|img|iframe|on\w+=/i.test(tag)),
      [],
    );
    assert.match(html, /<pre>[^<]*&lt;\/pre&gt;&lt;script&gt;[^<]*no rule for all\s*<\/pre>/);
    assert.deepEqual(
      rowsOf(html)
        .slice(1, 6)
        .map(([name, result]) => [name, result]),
      [
        ['base', '✓ built'],
        ['api', '✓ built'],
        ['web', '✗ failed'],
        ['top', '- blocked by web'],
        ['local', '✓ built'],
      ],
    );
    assert.match(text, /```mermaid\nflowchart LR\n[\s\S]* --> /);
  });

  await t.test('GitLab: images by digest for later jobs', async () => {
    await work.write({ 'shop/web/Dockerfile': 'FROM base\nCOPY Dockerfile /\n' });
    const { exitCode, stderr } = await work.run(
      ['run', '-f', '../builds.yaml', '--dotenv', 'images.env', 'web', 'top'],
      {
        cwd,
        env: { CI: 'true', GITLAB_CI: 'true' },
      },
    );
    assert.equal(exitCode, 0, stderr);
    const images = await Promise.all(
      ['web', 'top'].map(
        async (build) =>
          `IMAGE_${build.toUpperCase()}=${host}/ci/${build}@${await digestOf(`${host}/ci/${build}:1`)}`,
      ),
    );
    assert.equal(
      await readFile(path.join(cwd, 'images.env'), 'utf8'),
      `${['BAKE_TS_RESULT=ok', ...images].join('\n')}\n`,
    );
  });
});
