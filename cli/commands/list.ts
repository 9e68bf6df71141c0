import {
  type BuildSet,
  createHider,
  formatPlace,
  HIDDEN,
  hideByName,
  type Json,
  type VariableOrigin,
} from '../../lib/model/mod.ts';
import { plainText } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';

/** `bake-ts list`: shows the builds, and the variables that can be set. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const read = await readInputs(args, io);
  if (!read.ok) return reportProblems(read.error, args, io);
  reportProblems(read.value.warnings, args, io);
  const { set } = read.value;
  const { describeOrigin } = await import('../../lib/plan/mod.ts');
  const listed = createHider(set.variables).hide(listingOf(set, describeOrigin));
  if (isSet(args, 'json')) {
    writeJson(listed, io);
    return EXIT.ok;
  }
  const palette = paletteFor(args, io, io.stdout);
  const sections: string[] = [];
  const add = (titles: readonly string[], rows: readonly (readonly string[])[]): void => {
    if (rows.length > 0)
      sections.push(
        formatTable(
          titles,
          rows.map((row) => row.map(plainText)),
          palette,
        ),
      );
  };
  add(
    ['BUILD', 'TAGS', 'DESCRIPTION'],
    listed.builds.map((one) => [one.name, shorten(one.tags), one.description ?? '']),
  );
  add(
    ['MATRIX', 'ROWS'],
    listed.matrices.map((one) => [one.name, shorten(one.builds, 3)]),
  );
  add(
    ['GROUP', 'BUILDS', 'DESCRIPTION'],
    listed.groups.map((one) => [one.name, shorten(one.builds, 3), one.description ?? '']),
  );
  add(
    ['VARIABLE', 'VALUE', 'FROM', 'DESCRIPTION'],
    listed.variables.map((one) => [
      one.name,
      one.sensitive ? HIDDEN : show(one.value),
      one.from,
      one.description ?? '',
    ]),
  );
  io.stdout.write(sections.join('\n'));
  return EXIT.ok;
}

function listingOf(set: BuildSet, describeOrigin: (origin: VariableOrigin) => string) {
  return {
    builds: [...set.builds.values()].map((build) => ({
      name: build.name,
      tags: build.tags.map((tag) => tag.text),
      ...(build.description === undefined ? {} : { description: build.description }),
      ...(build.matrix === undefined ? {} : { matrix: build.matrix }),
      ...(build.span === undefined ? {} : { place: formatPlace(build.span) }),
    })),
    matrices: [...set.matrices].map(([name, builds]) => ({ name, builds })),
    groups: [...set.groups.values()].map(({ name, builds, description }) => ({
      name,
      builds,
      ...(description === undefined ? {} : { description }),
    })),
    variables: [...set.variables.values()].map((variable) => ({
      name: variable.name,
      // Sensitive values never appear in any output, not even JSON.
      ...(variable.sensitive ? {} : { value: hideByName(variable.name, variable.value) }),
      sensitive: variable.sensitive,
      from: describeOrigin(variable.origin),
      ...(variable.description === undefined ? {} : { description: variable.description }),
    })),
  };
}

function shorten(items: readonly string[], most = 1): string {
  const more = items.length - most;
  return items.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function show(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
