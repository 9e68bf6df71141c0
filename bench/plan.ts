/**
 * Planning generated sets of builds, as a whole process: `bake-ts plan --json` of a builds.yaml, of the same set as a bake file, and
 * of a bake file whose builds are a matrix; beside `docker buildx bake --print` of that where BUILDX names a buildx binary.
 *
 *     BUILDX=/path/to/buildx node bench/plan.ts [builds…]     (Node ≥ 22.18, Deno, or compiled)
 *
 * Every build has arguments, tags and labels with variables in them, a template (bake: a parent), a Dockerfile that is
 * read, and every fifth one reads another build. The runs take turns, so that what else the machine does weighs on
 * both alike; the best of each counts.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const SIZES = [100, 1000, 5000, 10_000];
/** From here on bake takes most of a minute for each run. */
const TOO_MANY_FOR_BAKE = 10_000;
/** What is aimed at: our time as a share of bake's. */
const GOALS: Readonly<Record<number, number>> = { 100: 3, 1000: 1, 5000: 0.1 };
/** The same for bake files, whatever their size. */
const BAKE_GOAL = 3;
const BAKE_SIZES = [10, 100, 1000];
const ROUNDS = 5;
/** A process that takes longer is not run as often. */
const SLOW_MS = 2000;

const entry = import.meta.url.endsWith('.ts') ? '../cli/main.ts' : '../bin/bake-ts.cjs';
const main = fileURLToPath(new URL(entry, import.meta.url));
const runtime = process.versions['deno'] === undefined ? [] : ['run', '-A'];
const given = process.argv.slice(2).map(Number);
const buildx = process.env['BUILDX'];
const temp = mkdtempSync(path.join(tmpdir(), 'bake-ts-bench-'));

try {
  writeFileSync(path.join(temp, 'Dockerfile'), 'FROM base\nARG NUMBER\nCOPY . /src\nRUN make "$NUMBER"\n');
  if (buildx === undefined) console.log('BUILDX names no buildx binary: only our own time');
  console.log(`bare ${path.basename(process.execPath)}: ${shown(measure([process.execPath, ...bare()]))}`);
  for (const builds of given.length > 0 ? given : SIZES) compareBuildsFile(builds);
  for (const builds of given.length > 0 ? given : BAKE_SIZES) {
    compareBakeFile('bake file', builds, bakeFile(builds));
    compareBakeFile('matrix', builds, matrixFile(builds));
  }
} finally {
  rmSync(temp, { recursive: true, force: true });
}

function bare(): readonly string[] {
  return process.versions['deno'] === undefined ? ['-e', '0'] : ['eval', '0'];
}

function compareBuildsFile(builds: number): void {
  writeFileSync(path.join(temp, 'builds.yaml'), buildsFile(builds));
  writeFileSync(path.join(temp, 'docker-bake.hcl'), bakeFile(builds));
  compare('builds.yaml', 'builds.yaml', builds, GOALS[builds]);
}

function compareBakeFile(what: string, builds: number, text: string): void {
  writeFileSync(path.join(temp, 'docker-bake.hcl'), text);
  compare(what, 'docker-bake.hcl', builds, BAKE_GOAL);
}

function compare(what: string, file: string, builds: number, goal: number | undefined): void {
  const ours = [process.execPath, ...runtime, main, 'plan', '--json', '-f', file];
  const theirs =
    buildx === undefined || builds >= TOO_MANY_FOR_BAKE
      ? undefined
      : [buildx, 'bake', '-f', 'docker-bake.hcl', '--print'];
  // Once uncounted: what the runtime compiles is kept.
  measure(ours);
  const best = { ours: Infinity, theirs: Infinity };
  for (let round = 0; round < ROUNDS; round += 1) {
    best.ours = Math.min(best.ours, measure(ours));
    if (theirs !== undefined && (round === 0 || best.theirs < SLOW_MS))
      best.theirs = Math.min(best.theirs, measure(theirs));
  }
  const ratio =
    theirs === undefined
      ? 'bake not run'
      : `bake --print ${shown(best.theirs)}   ratio ${(best.ours / best.theirs).toFixed(2)}${goal === undefined ? '' : ` (goal ≤ ${goal})`}`;
  console.log(`${what.padEnd(12)}${String(builds).padStart(6)} builds   plan ${shown(best.ours)}   ${ratio}`);
}

function shown(ms: number): string {
  return `${ms.toFixed(0).padStart(6)} ms`;
}

function measure([command = '', ...args]: readonly string[]): number {
  const start = performance.now();
  const done = spawnSync(command, args, { cwd: temp, stdio: ['ignore', 'ignore', 'pipe'] });
  const ms = performance.now() - start;
  if (done.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed: ${String(done.stderr).slice(0, 500)}`);
  }
  return ms;
}

function parentOf(number: number): string | undefined {
  return number > 0 && number % 5 === 0 ? `build-${number - 1}` : undefined;
}

function buildsFile(count: number): string {
  const lines = [
    'vars:',
    '  REGISTRY: localhost:5000',
    '  TAG: dev',
    'templates:',
    '  common:',
    '    platforms: [linux/amd64, linux/arm64]',
    '    labels: { org.opencontainers.image.version: "${{ vars.TAG }}" }',
    'builds:',
  ];
  for (let number = 0; number < count; number += 1) {
    const parent = parentOf(number);
    lines.push(
      `  build-${number}:`,
      '    extends: common',
      '    context: .',
      `    args: { NUMBER: "${number}", VERSION: "\${{ vars.TAG }}" }`,
      `    tags: ["\${{ vars.REGISTRY }}/build-${number}:\${{ vars.TAG }}", "\${{ vars.REGISTRY }}/build-${number}:latest"]`,
      ...(parent === undefined ? [] : [`    contexts: { base: "build:${parent}" }`]),
    );
  }
  return `${lines.join('\n')}\n`;
}

function bakeFile(count: number): string {
  const names = Array.from({ length: count }, (_, number) => `"build-${number}"`);
  const lines = [
    'variable "REGISTRY" { default = "localhost:5000" }',
    'variable "TAG" { default = "dev" }',
    `group "default" { targets = [${names.join(', ')}] }`,
    'target "common" {',
    '  platforms = ["linux/amd64", "linux/arm64"]',
    '  labels = { "org.opencontainers.image.version" = "${TAG}" }',
    '}',
  ];
  for (let number = 0; number < count; number += 1) {
    const parent = parentOf(number);
    lines.push(
      `target "build-${number}" {`,
      '  inherits = ["common"]',
      '  context = "."',
      `  args = { NUMBER = "${number}", VERSION = "\${TAG}" }`,
      `  tags = ["\${REGISTRY}/build-${number}:\${TAG}", "\${REGISTRY}/build-${number}:latest"]`,
      ...(parent === undefined ? [] : [`  contexts = { base = "target:${parent}" }`]),
      '}',
    );
  }
  return `${lines.join('\n')}\n`;
}

function matrixFile(count: number): string {
  const rows = Array.from({ length: Math.ceil(count / 5) }, (_, number) => `"${number}"`);
  return `
variable "REGISTRY" { default = "localhost:5000" }
variable "TAG" { default = "dev" }
function "tag" {
  params = [name]
  result = ["\${REGISTRY}/\${name}:\${TAG}", equal(TAG, "dev") ? "" : "\${REGISTRY}/\${name}:latest"]
}
target "build" {
  name = "build-\${number}-\${replace(version, ".", "-")}"
  matrix = {
    number = [${rows.join(', ')}]
    version = ["3.10", "3.11", "3.12", "3.13", "3.14"]
  }
  context = "."
  args = { NUMBER = number, VERSION = version }
  labels = { "org.opencontainers.image.version" = TAG }
  tags = tag("build-\${number}")
}
group "default" { targets = ["build"] }
`;
}
