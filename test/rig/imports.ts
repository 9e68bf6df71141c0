/** Reading what the sources import: enough for rules about packages, without a parser. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repoPath } from './paths.ts';

/** A source file with its import specifiers, type imports included. */
export interface SourceModule {
  /** Relative to the repository, with `/`. */
  readonly file: string;
  readonly text: string;
  /** Bare specifiers as written; relative ones as paths relative to the repository. */
  readonly imports: readonly string[];
  /** Those of them that are loaded with it: neither types alone nor what is imported when it is needed. */
  readonly loads: readonly string[];
}

const SPECIFIER =
  /(?:^|[\s;}])(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]|\b(?:import|getBuiltinModule)\s*\(\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;

const LOADED =
  /(?:^|[\s;}])(?:import|export)\s(?!\s*type\b)[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;

/** Reads all TypeScript files below a folder of the repository. */
export function readModules(folder: string): readonly SourceModule[] {
  const names = readdirSync(repoPath(folder), { recursive: true }).map((name) =>
    String(name).replaceAll(path.sep, '/'),
  );
  return names
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => {
      const file = `${folder}/${name}`;
      const text = readFileSync(repoPath(file), 'utf8');
      const code = withoutComments(text);
      const find = (pattern: RegExp): readonly string[] => {
        const found = [...code.matchAll(pattern)].map(([, ...groups]) => groups.find(Boolean) ?? '');
        return [...new Set(found.map((one) => resolve(file, one)))];
      };
      return { file, text, imports: find(SPECIFIER), loads: find(LOADED) };
    });
}

/** The code without comments (whole-line ones and blocks), so that words in prose are not findings. */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/\s\/\/ .*$/gm, '');
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : specifier;
}

/** Every import cycle, as its files; empty where there is none. */
export function findCycles(modules: readonly SourceModule[]): readonly (readonly string[])[] {
  const byFile = new Map(modules.map((one) => [one.file, one]));
  const done = new Set<string>();
  const cycles: (readonly string[])[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at !== -1) {
      cycles.push(trail.slice(at));
      return;
    }
    const found = byFile.get(file);
    if (found === undefined || done.has(file)) return;
    for (const target of found.imports) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const { file } of modules) visit(file, []);
  return cycles;
}

/** Everything that is loaded with some files, packages included. */
export function findLoaded(modules: readonly SourceModule[], roots: readonly string[]): ReadonlySet<string> {
  const byFile = new Map(modules.map((one) => [one.file, one]));
  const loaded = new Set<string>();
  const open = [...roots];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (loaded.has(file)) continue;
    loaded.add(file);
    open.push(...(byFile.get(file)?.loads ?? []));
  }
  return loaded;
}
