/** Functions of paths, versions and the machine. */
import { STRING } from '../types.ts';
import { boolValue, textValue } from '../values.ts';
import { type Definitions, done, failed, textOf } from './define.ts';
import { satisfies } from './semver.ts';

const PATH = { name: 'path', type: STRING };

/** The functions; without a home directory `homedir` is an error. */
export function machineFunctions(homedir: string | undefined): Definitions {
  return {
    basename: { parameters: [PATH], run: ([path]) => done(textValue(base(textOf(path)))) },
    dirname: { parameters: [PATH], run: ([path]) => done(textValue(directory(textOf(path)))) },
    homedir: {
      parameters: [],
      run: () => (homedir === undefined ? failed('there is no home directory') : done(textValue(homedir))),
    },
    semvercmp: {
      parameters: [
        { name: 'version', type: STRING },
        { name: 'constraint', type: STRING },
      ],
      run: ([version, required]) => {
        const result = satisfies(textOf(version), textOf(required));
        return typeof result === 'boolean'
          ? done(boolValue(result))
          : failed(result.message, result.argument);
      },
    },
  };
}

/** The last part, as in Go's path.Base. */
function base(path: string): string {
  if (path === '') return '.';
  const parts = path.split('/').filter((part) => part !== '');
  return parts.at(-1) ?? '/';
}

/** All but the last part, without `.`, `..` and `//`, as in Go's path.Dir. */
function directory(path: string): string {
  const rooted = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/').slice(0, -1)) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!rooted) parts.push('..');
  }
  const joined = parts.join('/');
  return rooted ? `/${joined}` : joined === '' ? '.' : joined;
}
