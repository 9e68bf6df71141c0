/**
 * `npm run check`: all checks of the project besides tests. Each check prints its name and time; a failed one prints
 * its whole output; all checks run even if one fails.
 *
 *   node .ci/check.mjs [name]…
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { build } from './build.mjs';
import { listFailureCodes } from './failure-codes.mjs';
import { deno, ensureModules, ensureRuntimes, root, run, say } from './support.mjs';

const tool = (name) => path.join(root, 'node_modules/.bin', name);

/** Name, and a function that resolves with undefined if the check passes, else with the problem. */
const CHECKS = {
  format: () => command([tool('biome'), 'ci', '--error-on-warnings', '--colors=off']),
  types: () => command([tool('tsc'), '--noEmit']),
  'types of the page': () => command([tool('tsc'), '--project', 'lib/page/app']),
  'types of the playground': () => command([tool('tsc'), '--project', 'lib/page/playground']),
  'types in Deno': () => command([deno, 'check', 'lib/mod.ts', 'cli/main.ts']),
  architecture: () => command([process.execPath, '--test', 'dist/test/architecture.test.js']),
  picture: () => command([process.execPath, '.ci/picture.mjs', '--check']),
  'public API documented': () => command([deno, 'doc', '--lint', 'lib/mod.ts']),
  'public API': () => command([process.execPath, '.ci/api.mjs', '--check']),
  manifests: () => command([process.execPath, '--test', 'dist/test/packaging/manifests.test.js']),
  'generated files': () => command([process.execPath, '.ci/generate.mjs', '--check']),
  'failures documented': checkFailureDocs,
  links: () => command([process.execPath, '.ci/links.mjs']),
  'unused code': () => command([tool('knip'), '--no-progress', '--no-config-hints']),
  'npm package': checkPackage,
  site: checkSite,
  'JSR package': () => command([deno, 'publish', '--dry-run', '--allow-dirty', '--quiet']),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => CHECKS[name] === undefined);
if (unknown.length > 0)
  throw new Error(`no such check: ${unknown.join(', ')}; there are ${Object.keys(CHECKS).join(', ')}`);

await ensureModules();
// Mostly downloads, so the other checks run meanwhile; if it fails, the site check reports it.
const siteModules = wanted.length === 0 || wanted.includes('site') ? installSite() : undefined;
siteModules?.catch(() => {});
await ensureRuntimes();
await build().catch(() => {}); // `types` reports errors; the emitted code is enough for the other checks.

let failed = 0;
const queue = Object.entries(CHECKS).filter(([name]) => wanted.length === 0 || wanted.includes(name));
// Most checks are one busy thread, and none reads what another one writes.
await Promise.all(Array.from({ length: availableParallelism() }, work));

async function work() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await judge(next);
}

async function judge([name, check]) {
  const start = Date.now();
  const wrong = await check();
  say(`${wrong === undefined ? '✔' : '✖'} ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  if (wrong !== undefined) {
    failed += 1;
    say(wrong.trimEnd().replace(/^/gm, '    '));
  }
}
say(failed === 0 ? '\nAll checks passed' : `\n${failed} checks failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a program whose exit code is the result. */
async function command(argv, options = {}) {
  const { code, output } = await run(argv, {
    show: 'never',
    env: { NO_COLOR: '1', FORCE_COLOR: undefined },
    ...options,
  });
  return code === 0 ? undefined : output || `${argv[0]} ended with exit code ${code}`;
}

/** Every problem code in the sources must have a heading in docs/failures/ on the page of its area, and every heading a code in use. */
async function checkFailureDocs() {
  const documented = listFailureCodes();
  const headings = documented.map(({ code }) => code);
  const areas = [...read('lib/model/problem.ts').matchAll(/^ {2}\| '([a-z]+)'/gm)].map(([, area]) => area);
  const pattern = new RegExp(`['"\`]((?:${areas.join('|')})/[a-z][a-z0-9]*(?:-[a-z0-9]+)*)['"\`]`, 'g');
  const used = new Set();
  for (const file of [...listFiles('lib', '.ts'), ...listFiles('cli', '.ts')]) {
    // Import paths look similar but have an extension, which the pattern does not allow.
    for (const [, code] of read(file).matchAll(pattern)) used.add(code);
  }
  const missing = [...used].filter((code) => !headings.includes(code));
  const stale = headings.filter((code) => !used.has(code));
  const twice = headings.filter((code, at) => headings.indexOf(code) !== at);
  const elsewhere = documented.filter(({ code, file }) => path.basename(file, '.md') !== code.split('/')[0]);
  const lines = [
    ...elsewhere.map(({ code, file }) => `${file} has the code ${code} of another area`),
    ...missing.map((code) => `${code} has no heading`),
    ...stale.map((code) => `${code} is documented, but nothing uses it`),
    ...twice.map((code) => `${code} is documented twice`),
  ];
  return lines.length === 0 ? undefined : lines.sort().join('\n');
}

/** The npm package: checked with publint and attw, then installed and used. */
async function checkPackage() {
  const dir = mkdtempSync(path.join(tmpdir(), 'bake-ts-pack-'));
  try {
    const packed = await run(['npm', 'pack', '--pack-destination', dir, '--ignore-scripts'], {
      show: 'never',
    });
    const tarball = readdirSync(dir).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) return packed.output;
    const file = path.join(dir, tarball);
    const answers = [
      await command([tool('publint'), 'run', '--strict', file]),
      await command([
        tool('attw'),
        file,
        '--profile',
        'esm-only',
        '--format',
        'ascii',
        '--exclude-entrypoints',
        'schema.json',
      ]),
      await command([process.execPath, '.ci/pack-smoke.mjs', file]),
      await command([process.execPath, '--test', 'dist/test/packaging/package.test.js'], {
        env: { BAKE_TS_TEST_RUNTIMES: path.dirname(deno) },
      }),
    ].filter((answer) => answer !== undefined);
    return answers.length === 0 ? undefined : answers.join('\n');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Its file needs packages, which a fresh checkout does not have when this one is loaded. */
async function installSite() {
  const { ensureSiteModules } = await import('./site.mjs');
  await ensureSiteModules();
}

/** The types of VitePress's configuration, which come with it, and the site itself: VitePress fails on errors. */
async function checkSite() {
  try {
    await siteModules;
  } catch (error) {
    return error.message;
  }
  const [types, built] = await Promise.all([
    command([tool('tsc'), '--project', 'docs/.vitepress']),
    command([process.execPath, '.ci/site.mjs']),
  ]);
  return types ?? built;
}

function listFiles(folder, ending) {
  if (!existsSync(path.join(root, folder))) return [];
  const names = readdirSync(path.join(root, folder), { recursive: true });
  return names.map((name) => `${folder}/${name}`).filter((name) => name.endsWith(ending));
}

function read(file) {
  return readFileSync(path.join(root, file), 'utf8');
}
