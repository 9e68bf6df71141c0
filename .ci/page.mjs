/**
 * The browser application of the report page: bundles lib/page/app/ into one script, with its style, as JSON. The
 * result is in lib/page/generated/app.json, because the source of lib/ must run without a build.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './support.mjs';

export const PAGE_FILE = 'lib/page/generated/app.json';

/** The text of the generated file. */
export async function generatePage() {
  const script = await bundleScript('lib/page/app/main.tsx', 'bake-ts report page');
  const style = readStyle('lib/page/app/style.css');
  const made = { script, style, scriptHash: hash(script), styleHash: hash(style) };
  return `${JSON.stringify(made, undefined, 2)}\n`;
}

/**
 * A browser application as one script that can be embedded in a page, with the notices of its packages. `inject`:
 * globals that browsers lack, as a module and the name of its export.
 */
export async function bundleScript(input, title, { plugins = [], inject = {} } = {}) {
  const built = await rolldown({
    input: path.join(root, input),
    platform: 'browser',
    cwd: root,
    tsconfig: false,
    plugins,
    treeshake: { moduleSideEffects: [{ test: /\/(page|lib)\//, sideEffects: false }] },
    transform: { jsx: { runtime: 'automatic', importSource: 'preact' }, target: 'es2022', inject },
    checks: { pluginTimings: false },
    onLog: (_level, log) => {
      throw new Error(`bundling ${input}: ${log.message}`);
    },
  });
  const { output } = await built.generate({
    format: 'iife',
    minify: true,
    comments: false,
    codeSplitting: false,
  });
  await built.close();
  const [chunk, ...others] = output;
  if (others.length > 0) throw new Error(`bundling ${input}: more than one file came out`);
  const { imports } = chunk;
  if (imports.length > 0) throw new Error(`bundling ${input}: it imports ${imports.join(', ')}`);
  // A script's end tag would end it anywhere, also within a string.
  const code = chunk.code.trim().replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  return `${licences(chunk.moduleIds, title)}\n${code}`;
}

/** A style sheet without comments and indentation. */
export function readStyle(file) {
  return readFileSync(path.join(root, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}

/** The hash of a script or style for a page's policy. */
export function hash(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** One comment with the notice of each package in the script; MIT and ISC require it in every copy. */
function licences(ids, title) {
  const dirs = new Set(ids.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []));
  const texts = [...dirs].sort().map((dir) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
    const file = readdirSync(dir).find((one) => /^licen[cs]e/i.test(one));
    if (file === undefined && license !== 'MIT') throw new Error(`${name} has no licence file`);
    const text = file === undefined ? license : readFileSync(path.join(dir, file), 'utf8').trim();
    return `${name} ${version}\n${text}`;
  });
  return `/*! ${title}. It contains code of these packages.\n\n${texts.join('\n\n')}\n*/`.replaceAll(
    '</',
    '<\\/',
  );
}
