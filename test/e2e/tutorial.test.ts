/**
 * docs/tutorial.md, word for word: its files are written, its commands typed in order, and what it shows is compared with what they
 * print. `UPDATE_GOLDEN=1` writes what they print into the page.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { bakeTsScript, runBakeTs, runCommand } from '../rig/command.ts';
import { makeOwnEngine } from '../rig/own-engine.ts';
import { readFencedBlocks } from '../rig/pages.ts';
import { repoPath } from '../rig/paths.ts';
import { freePort } from '../rig/port.ts';
import { realEngine } from '../rig/real-engine.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const PAGE = 'docs/tutorial.md';
const REGISTRY = 'localhost:5000';
/** What the page is based on comes from Docker Hub; here it is an image of the test. */
const BASE_IMAGE = 'busybox:1.37';

/** What differs from run to run and from machine to machine: times, sizes, digests, ids; and with them the width of columns. */
function withoutFigures(line: string): string {
  return line
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'DIGEST')
    .replaceAll(/\b[0-9a-f]{12}\b/g, 'DIGEST')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d UTC)?/g, 'DATE')
    .replaceAll(/\b(?:just now|\d+ min ago|[\d.]+s ago)/g, 'AGO')
    .replaceAll(/\b[0-9a-f]{6}\b/g, 'ID')
    .replaceAll(/\+?\b(?:\d+m ?)?[\d.]+ ?(?:ms|s|m|B|kB|MB)\b/g, 'FIGURE')
    .replaceAll(/\b\d+ registry requests?/g, 'REQUESTS')
    .replaceAll(/(?:\d+ min )?FIGURE/g, 'FIGURE')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Whether lines are those that the page shows, where `…` stands for any. */
function isShown(printed: readonly string[], shown: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return printed.length === 0;
  if (first === '…') return printed.some((_, at) => isShown(printed.slice(at), rest)) || rest.length === 0;
  return printed[0] === first && isShown(printed.slice(1), rest);
}

// An embedded engine with its registry is started as the page says it.
const notRoot = process.getuid?.() !== 0 && 'it starts an engine as root does';

test(`${PAGE} does what it says`, { skip: realEngine.skip || notRoot, timeout: 400_000 }, async (t) => {
  const page = await readFile(repoPath(PAGE), 'utf8');
  const engine = await makeOwnEngine(t);
  const dir = await makeTempDir(t, 'tutorial-');
  const bin = await makeTempDir(t, 'tutorial-bin-');
  const port = await freePort();
  const host = `localhost:${port}`;
  await writeFile(path.join(bin, 'bake-ts'), bakeTsScript(), { mode: 0o755 });
  const env = {
    ...engine.env,
    PATH: `${bin}:${engine.env['PATH']}`,
    BUILDKIT_HOST: undefined,
    NO_COLOR: '1',
    COLUMNS: '120',
    CI: undefined,
  };
  const fit = (text: string) =>
    text
      .replaceAll(REGISTRY, host)
      .replaceAll(`FROM ${BASE_IMAGE}`, `FROM ${host}/${BASE_IMAGE}`)
      .replaceAll('engine up --registry', `engine up --registry --registry-port ${port}`);
  const pushBaseImage = async () => {
    const base = await makeTempDir(t, 'tutorial-base-');
    await writeTree(base, {
      'builds.yaml': `builds: { busybox: { context: ., tags: ["${host}/${BASE_IMAGE}"], push: true } }\n`,
      Dockerfile: 'FROM scratch\nCOPY busybox /bin/sh\n',
    });
    await runCommand(['cp', await findBusybox(t), path.join(base, 'busybox')]);
    const pushed = await runBakeTs(['run'], { cwd: base, env });
    assert.equal(pushed.exitCode, 0, pushed.stderr);
  };

  let printed = '';
  let changed = page;
  const wrong: string[] = [];
  for (const { kind, text } of readFencedBlocks(page)) {
    const file = kind.split(' ')[1];
    if (file !== undefined) await writeTree(dir, { [file]: fit(text) });
    else if (kind === 'sh') {
      printed = '';
      for (const command of text.trim().split('\n')) {
        const end = await runCommand(['sh', '-c', fit(command)], { cwd: dir, env, timeoutMs: 240_000 });
        printed += `${end.stdout}${end.stderr}`;
        // The page makes one mistake on purpose, and `validate` finds it.
        const isMistake = command === 'bake-ts validate' && printed.includes('config/');
        assert.equal(end.exitCode, isMistake ? 3 : 0, `${command}\n${printed}`);
        if (command.includes('engine up')) await pushBaseImage();
      }
    } else {
      assert.equal(kind, 'output', `a block of ${PAGE} is neither a file, a command nor what one prints`);
      const lines = printed.replaceAll(host, REGISTRY).trimEnd().split('\n');
      const shown = text.trimEnd().split('\n');
      if (isShown(lines.map(withoutFigures), shown.map(withoutFigures))) continue;
      wrong.push(`The page shows\n${text}\nbut it printed\n${lines.join('\n')}`);
      changed = changed.replace(
        `\`\`\`output\n${text}\`\`\``,
        () => `\`\`\`output\n${lines.join('\n')}\n\`\`\``,
      );
    }
  }
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(repoPath(PAGE), changed);
  else assert.deepEqual(wrong, []);
});
