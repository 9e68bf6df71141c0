/** `node:path` in the browser, as it is on Linux. The working directory is the root. */

export const sep = '/';
export const delimiter = ':';

export function isAbsolute(path: string): boolean {
  return path.startsWith('/');
}

export function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    const isAboveAll = parts.length === 0 || parts.at(-1) === '..';
    if (part !== '..') parts.push(part);
    else if (!isAboveAll) parts.pop();
    else if (!isAbsolute(path)) parts.push('..');
  }
  const whole = `${isAbsolute(path) ? '/' : ''}${parts.join('/')}`;
  if (whole === '/') return whole;
  return `${whole || '.'}${path.endsWith('/') ? '/' : ''}`;
}

export function join(...paths: readonly string[]): string {
  return normalize(paths.filter((path) => path !== '').join('/'));
}

export function resolve(...paths: readonly string[]): string {
  let whole = '';
  for (const path of paths) if (path !== '') whole = isAbsolute(path) ? path : `${whole}/${path}`;
  return normalize(`/${whole}`).replace(/(.)\/$/, '$1');
}

export function dirname(path: string): string {
  const bare = path.replace(/(?<!^)\/+$/, '');
  const end = bare.lastIndexOf('/');
  if (end === -1) return '.';
  return end === 0 ? '/' : bare.slice(0, end);
}

export function basename(path: string, suffix = ''): string {
  const bare = path.replace(/\/+$/, '');
  const name = bare.slice(bare.lastIndexOf('/') + 1);
  return suffix !== '' && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

export function extname(path: string): string {
  const name = basename(path);
  const at = name.lastIndexOf('.');
  return at <= 0 || name === '..' ? '' : name.slice(at);
}

export function relative(from: string, to: string): string {
  const here = resolve(from).split('/').filter(Boolean);
  const there = resolve(to).split('/').filter(Boolean);
  let same = 0;
  while (same < here.length && same < there.length && here[same] === there[same]) same += 1;
  return [...here.slice(same).map(() => '..'), ...there.slice(same)].join('/');
}

/** All of it as one value. */
interface PathModule {
  readonly sep: string;
  readonly delimiter: string;
  readonly isAbsolute: (path: string) => boolean;
  readonly normalize: (path: string) => string;
  readonly join: (...paths: readonly string[]) => string;
  readonly resolve: (...paths: readonly string[]) => string;
  readonly dirname: (path: string) => string;
  readonly basename: (path: string, suffix?: string) => string;
  readonly extname: (path: string) => string;
  readonly relative: (from: string, to: string) => string;
}

export const posix: PathModule = {
  sep,
  delimiter,
  isAbsolute,
  normalize,
  join,
  resolve,
  dirname,
  basename,
  extname,
  relative,
};

// The same as a default, as `node:path` has it.
export { posix as default };
