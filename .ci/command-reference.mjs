/**
 * docs/reference/commands.md: every command with options and examples, from the declarations in cli/declare/. Part of
 * generate.mjs.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './support.mjs';

export const COMMANDS_FILE = 'docs/reference/commands.md';
export const COMMANDS_SOURCE = 'cli/declare/';

/** The text of the page. */
export async function generateCommands() {
  const { cli, findTopics, groups, notesOf, spell } = await loadDeclarations();
  const linkTo = (topic) => linkOf(topic, findTopics);
  const parts = groups.map((group) => {
    const commands = cli.commands.filter((command) => notesOf(command).group === group);
    return [
      `## ${group}`,
      ...commands.map((command) => describe(command, linkTo(notesOf(command).topic), spell)),
    ];
  });
  const everywhere = [
    '## Options of every command',
    'They may stand anywhere before `--`.',
    optionTable(cli.globalCommand.options),
  ];
  const list = cli.commands.map(({ name, description }) => {
    return `| [\`${name}\`](#bake-ts-${name.replaceAll(' ', '-')}) | ${cell(description)} |`;
  });
  const text = [
    '# Commands and options',
    '<!-- Made by .ci/generate.mjs from cli/declare/. -->',
    'Every command of `bake-ts` with its options, as `bake-ts COMMAND --help` prints them. [The command line](../cli.md) explains what does\n' +
      'not fit into a line here: output, exit codes, and how the commands work.',
    ['| Command | |', '|---|---|', ...list].join('\n'),
    ...parts.flat(),
    ...everywhere,
  ];
  return `${text.join('\n\n')}\n`;
}

/** Loads the declarations from source, without compiling. */
async function loadDeclarations() {
  const entry = `
export { declareCli } from ${JSON.stringify(path.join(root, 'cli/declare.ts'))};
export { findTopics } from ${JSON.stringify(path.join(root, 'lib/docs/mod.ts'))};
export { GROUPS, notesOf } from ${JSON.stringify(path.join(root, 'cli/declare/shared.ts'))};
export { spell } from ${JSON.stringify(path.join(root, 'cli/help.ts'))};
`;
  const built = await rolldown({
    input: 'command-reference',
    cwd: root,
    platform: 'node',
    external: [/\/commands\//],
    treeshake: { moduleSideEffects: false },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'command-reference' ? id : undefined),
        load: (id) => (id === 'command-reference' ? { code: entry, moduleType: 'ts' } : undefined),
      },
    ],
  });
  const { output } = await built.generate({ format: 'esm', codeSplitting: false });
  await built.close();
  const { declareCli, findTopics, GROUPS, notesOf, spell } = await import(
    `data:text/javascript,${encodeURIComponent(output[0].code)}`
  );
  return { cli: declareCli(), findTopics, groups: GROUPS, notesOf, spell };
}

function describe(command, link, spell) {
  const { name, rawName, description, options, examples, aliasNames } = command;
  const alias =
    aliasNames.length === 0 ? '' : ` \`bake-ts ${aliasNames.join('`, `bake-ts ')}\` is the same command.`;
  return [
    `### bake-ts ${name}`,
    `${description}.${alias}`,
    `\`\`\`\nbake-ts ${spell(rawName)} [options]\n\`\`\``,
    ...(options.length === 0 ? [] : [optionTable(options)]),
    ...(examples.length === 0 ? [] : [`\`\`\`\n${examples.map((one) => one.trim()).join('\n')}\n\`\`\``]),
    `More: ${link}`,
  ].join('\n\n');
}

function optionTable(options) {
  const rows = options.map(({ rawName, description }) => `| \`${cell(rawName)}\` | ${cell(description)} |`);
  return ['| Option | |', '|---|---|', ...rows].join('\n');
}

/** Escapes text outside of code that would otherwise be read as a tag. */
function cell(text) {
  return text.replaceAll('|', '\\|');
}

/** A link to the page that `bake-ts docs` shows for a topic. */
function linkOf(topic, findTopics) {
  const [name] = topic.split('#');
  const text = readFileSync(path.join(root, 'docs', `${name}.md`), 'utf8');
  const [found] = findTopics([{ name, text }], topic).topics;
  if (found === undefined) throw new Error(`there is no topic ${topic}`);
  const [page, anchor] = found.name.split('#');
  return `[${/^# (.*)$/m.exec(text)?.[1]}](../${page}.md${anchor === undefined ? '' : `#${anchor}`})`;
}
