/** The command line of buildctl as a fake engine reads it (buildkit cmd/buildctl), without our own writer of it. */

/** `buildctl build` in parts. */
export interface FakeBuildArgv {
  readonly address: string;
  readonly locals: ReadonlyMap<string, string>;
  readonly layouts: ReadonlyMap<string, string>;
  readonly opts: ReadonlyMap<string, string>;
  readonly outputs: readonly ReadonlyMap<string, string>[];
  readonly metadataFile: string | undefined;
  readonly policyFile: string | undefined;
  readonly noCache: boolean;
}

/** A call of buildctl. */
export type FakeCommand =
  | { readonly verb: 'build'; readonly build: FakeBuildArgv }
  | { readonly verb: 'debug get'; readonly digest: string }
  | { readonly verb: 'debug workers' };

/** Reads a command line. Throws where it holds something that is not known here: a fake must not pass over it. */
export function readCommandLine(argv: readonly string[]): FakeCommand {
  const rest = [...argv];
  const next = (): string => {
    const word = rest.shift();
    if (word === undefined)
      throw new Error(`the fake buildctl misses a word at the end of: ${argv.join(' ')}`);
    return word;
  };
  let address = '';
  if (rest[0] === '--addr') {
    next();
    address = next();
  }
  const verb = next();
  if (verb === 'debug') {
    const what = next();
    if (what === 'get') return { verb: 'debug get', digest: next() };
    if (what === 'workers') return { verb: 'debug workers' };
  }
  if (verb !== 'build') throw new Error(`the fake buildctl does not know: ${argv.join(' ')}`);
  const locals = new Map<string, string>();
  const layouts = new Map<string, string>();
  const opts = new Map<string, string>();
  const outputs: ReadonlyMap<string, string>[] = [];
  let metadataFile: string | undefined;
  let policyFile: string | undefined;
  let noCache = false;
  while (rest.length > 0) {
    const flag = next();
    switch (flag) {
      case '--progress=rawjson':
        break;
      case '--frontend':
      case '--import-cache':
      case '--export-cache':
      case '--secret':
      case '--ssh':
      case '--allow':
        next();
        break;
      case '--no-cache':
        noCache = true;
        break;
      case '--local':
        locals.set(...splitAt(next()));
        break;
      case '--oci-layout':
        layouts.set(...splitAt(next()));
        break;
      case '--opt':
        opts.set(...splitAt(next()));
        break;
      case '--output':
        outputs.push(new Map(splitCsv(next()).map(splitAt)));
        break;
      case '--metadata-file':
        metadataFile = next();
        break;
      case '--source-policy-file':
        policyFile = next();
        break;
      default:
        throw new Error(`the fake buildctl does not know ${flag}`);
    }
  }
  return {
    verb: 'build',
    build: { address, locals, layouts, opts, outputs, metadataFile, policyFile, noCache },
  };
}

/** What stands behind a prefix of an option's name, by the rest of the name. */
export function optsBelow(opts: ReadonlyMap<string, string>, prefix: string): ReadonlyMap<string, string> {
  return new Map(
    [...opts].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
}

function splitAt(text: string): [string, string] {
  const at = text.indexOf('=');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** One line of CSV as Go's encoding/csv reads it. */
export function splitCsv(text: string): readonly string[] {
  const fields: string[] = [];
  for (const [, quoted, plain] of text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    fields.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
  return fields;
}
