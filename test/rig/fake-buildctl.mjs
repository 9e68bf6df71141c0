#!/usr/bin/env node
/**
 * A stand-in for buildctl that does what a test wants: see fake-buildctl.ts, which writes the rules it reads.
 * Plain JavaScript without dependencies, so that it runs under whatever `node` is on PATH.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Plays one call. `dir` holds rules.json and gets calls.jsonl. */
export async function play(dir) {
  const argv = process.argv.slice(2);
  const calls = path.join(dir, 'calls.jsonl');
  const text = argv.join('\n');
  const earlier = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n').filter(Boolean) : [];
  const used = earlier.map((line) => JSON.parse(line).rule);
  const rules = JSON.parse(readFileSync(path.join(dir, 'rules.json'), 'utf8'));
  const rule = rules.findIndex(
    (one, index) =>
      (one.when ?? []).every((part) => text.includes(part)) &&
      (one.times === undefined || used.filter((other) => other === index).length < one.times),
  );
  const act = rules[rule] ?? {};

  if (act.ignoreSignals) for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => {});
  else {
    // buildctl answers both signals with the text of a cancelled solve and exit code 1.
    for (const name of ['SIGTERM', 'SIGINT']) {
      process.on(name, () => {
        appendFileSync(path.join(dir, 'signals.log'), `${process.pid} ${name}\n`);
        process.stderr.write('error: failed to solve: Canceled: context canceled\n', () => process.exit(1));
      });
    }
  }

  // Noted down only now: a test that has seen the call may send a signal at once.
  const seen = {};
  for (const name of act.logEnv ?? []) seen[name] = process.env[name];
  const record = { argv, cwd: process.cwd(), pid: process.pid, rule, env: seen, atMs: Date.now() };
  appendFileSync(calls, `${JSON.stringify(record)}\n`);

  for (const line of act.progress ?? []) process.stderr.write(`${JSON.stringify(line)}\n`);
  if (act.stdout !== undefined) process.stdout.write(act.stdout);
  if (act.holdUntil !== undefined) {
    while (!existsSync(path.join(dir, `released-${act.holdUntil}`))) await sleep(5);
  }
  if (act.delayMs !== undefined) await sleep(act.delayMs);
  if (act.hang) await new Promise(() => setInterval(() => {}, 1000));
  if (act.dieBy !== undefined) {
    process.kill(process.pid, act.dieBy);
    await new Promise(() => setInterval(() => {}, 1000));
  }
  if (act.stderr !== undefined) process.stderr.write(act.stderr);
  const exitCode = act.exitCode ?? 0;
  const file = option(argv, '--metadata-file');
  if (file !== undefined && exitCode === 0 && act.metadata !== false) {
    writeFileSync(file, JSON.stringify(act.metadata ?? defaultMetadata(argv)));
  }
  process.exitCode = exitCode;
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The value of `--name value` or `--name=value`. */
function option(argv, name) {
  const index = argv.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (index === -1) return undefined;
  return argv[index] === name ? argv[index + 1] : argv[index].slice(name.length + 1);
}

/** What buildctl writes for an image; the digest depends on what is built, not on where the metadata goes. */
function defaultMetadata(argv) {
  const inputs = argv.filter(
    (arg, index) => argv[index - 1] !== '--metadata-file' && !arg.startsWith('--metadata-file='),
  );
  const digest = `sha256:${createHash('sha256').update(inputs.join('\n')).digest('hex')}`;
  const output = option(argv, '--output') ?? '';
  const name = /"name=([^"]*)"|(?:^|,)name=([^,"]*)/.exec(output);
  return {
    'containerimage.digest': digest,
    'containerimage.config.digest': `sha256:${createHash('sha256').update(`config ${digest}`).digest('hex')}`,
    'containerimage.descriptor': {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest,
      size: 500,
      platform: { architecture: 'amd64', os: 'linux' },
    },
    ...(name === null ? {} : { 'image.name': name[1] ?? name[2] }),
  };
}
