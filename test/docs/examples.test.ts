/** The programs of the documentation, the examples of the API among them: what is shown can be compiled, and does what it says. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Cleanup } from '../rig/temp.ts';
import { checkTypes, findExamples, makeExampleWorld } from './support.ts';

/** Examples that are only compiled, by a text that is in them, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'installEngine(': 'downloads an engine, and starts it',
  'upgradeEngine(': 'looks at the engine that is installed',
  'upEngine(': 'starts daemons, as root',
  'push({': 'reads the image from the containerd of the engine, which the fake engine has not',
};

const whole: Cleanup = { after };
const examples = findExamples();
const checked = checkTypes(whole, examples);

test('the documentation has examples, and those of the API are among them', () => {
  assert.ok(examples.length > 40);
  assert.ok(examples.filter(({ place }) => place.startsWith('docs/api/')).length > 30);
});

test('every example is right by the compiler', async () => {
  const { said } = await checked;
  assert.equal(said.exitCode, 0, `${said.stdout}${said.stderr}`);
});

test('every reason for not running an example is needed', () => {
  for (const part of Object.keys(NOT_RUN))
    assert.ok(
      examples.some(({ text }) => text.includes(part)),
      part,
    );
});

for (const example of examples) {
  const { place, text } = example;
  const reason = Object.entries(NOT_RUN).find(([part]) => text.includes(part));
  if (reason !== undefined) continue;
  test(`the example at ${place} runs`, async (t) => {
    const world = await makeExampleWorld(t);
    if (text.includes('propose(')) await rm(path.join(world.dir, 'builds.yaml'));
    const printed = await world.run(example, (await checked).emitted);
    // What a comment behind a line says is what the line prints.
    for (const [, said = ''] of text.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm))
      assert.ok(printed.includes(said), `${said}\n${printed.join('\n')}`);
  });
}
