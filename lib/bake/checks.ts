/**
 * What bake checks before it prints or builds, and what it changes (buildx bake/bake.go, `toBuildOpt`; the forms of
 * values are those of docker/go-units, containerd/platforms and buildx util/buildflags). Checks that depend on the
 * machine, such as whether the file of a secret exists, are not made here.
 */
import { type Problem, problem } from '../model/mod.ts';
import type { Draft, DraftValues } from './draft.ts';
import type { OutputEntry } from './entries.ts';
import { cleanPath, parseBool } from './go-text.ts';
import { isRemote } from './remote.ts';
import { itemsOf } from './slice.ts';
import type { TargetKey } from './target.ts';

/** Cleans the path of the context and reports invalid values. */
export function checkDraft(draft: Draft): readonly Problem[] {
  const problems: Problem[] = [];
  const { values } = draft;
  const report = (key: TargetKey, message: string | undefined, hint?: string): void => {
    if (message === undefined) return;
    const span = draft.places.get(key) ?? draft.place;
    problems.push(
      problem('bake/value', `${key} of target "${draft.name}": ${message}`, {
        ...(hint === undefined ? {} : { hint }),
        ...(span === undefined ? {} : { span }),
      }),
    );
  };
  if (values.context === '-')
    report('context', 'bake cannot read a context from standard input', 'Name a directory.');
  if (values.dockerfile === '-')
    report(
      'dockerfile',
      'bake cannot read a Dockerfile from standard input',
      'Name a file, or use dockerfile-inline.',
    );
  values.context = cleanContext(values.context ?? '.');
  if (values['shm-size'] !== undefined && !isSize(values['shm-size']))
    report('shm-size', `"${values['shm-size']}" is not a valid size`, 'Write it as 64m or 1g.');
  for (const platform of itemsOf(values.platforms)) report('platforms', wrongPlatform(platform));
  for (const { id } of values.secret ?? [])
    if (id === '')
      report('secret', 'an entry has no id', 'Write it as id=NAME,src=FILE or id=NAME,env=VARIABLE.');
  report('ssh', wrongSsh(values));
  report('output', wrongOutput(itemsOf(values.output)));
  for (const annotation of values.annotations ?? []) report('annotations', wrongAnnotation(annotation));
  for (const ulimit of values.ulimits ?? []) report('ulimits', wrongUlimit(ulimit));
  for (const key of ['memory', 'memory-swap'] as const) {
    const size = values.resources?.[key]?.trim();
    if (size !== undefined && !isSize(size) && !(key === 'memory-swap' && size === '-1'))
      report('resources', `${key} is "${size}", which is not a valid size`, 'Write it as 512m or 2g.');
  }
  return problems;
}

function cleanContext(path: string): string {
  if (path.startsWith('cwd://')) return cleanPath(path.slice('cwd://'.length));
  return isRemote(path) ? path : cleanPath(path);
}

/** https://pkg.go.dev/github.com/docker/go-units#RAMInBytes */
function isSize(text: string): boolean {
  const last = Math.max(...Array.from('01234567890. ', (digit) => text.lastIndexOf(digit)));
  if (last === -1) return false;
  const number = text.slice(0, text[last] === ' ' ? last : last + 1);
  const unit = text.slice(last + 1).toLowerCase();
  return /^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(number) && /^(?:b|[kmgtp](?:i?b)?)?$/.test(unit);
}

const SYSTEMS: ReadonlySet<string> = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux macos nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
);
const ARCHITECTURES: ReadonlySet<string> = new Set(
  '386 i386 amd64 x86_64 x86-64 amd64p32 arm armhf armel armbe arm64 aarch64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm'.split(
    ' ',
  ),
);

/** One text may contain several, separated by commas. */
function wrongPlatform(text: string): string | undefined {
  for (const platform of text.split(',')) {
    if (platform.toLowerCase() === 'local') continue;
    const [first = '', ...rest] = platform.split('/');
    const system = /^([A-Za-z0-9_-]+)(\([A-Za-z0-9_.%-]*(?:\+[A-Za-z0-9_.%-]+)*\))?$/.exec(first);
    const isForm = system !== null && rest.length < 3 && rest.every((part) => /^[A-Za-z0-9_.-]+$/.test(part));
    if (!isForm) return `"${platform}" is not a valid platform; write os/arch or os/arch/variant`;
    const word = (system[1] ?? '').toLowerCase();
    if (rest.length === 0 && !SYSTEMS.has(word) && !ARCHITECTURES.has(first.toLowerCase()))
      return `"${platform}" names no known operating system or architecture`;
  }
  return undefined;
}

function wrongSsh(values: DraftValues): string | undefined {
  const seen = new Set<string>();
  for (const { id } of values.ssh ?? []) {
    const name = id === '' ? 'default' : id;
    if (seen.has(name)) return `"${name}" appears twice`;
    seen.add(name);
  }
  return undefined;
}

/** Archives without a destination go to standard output, which bake prints as such. */
function wrongOutput(outputs: readonly OutputEntry[]): string | undefined {
  let goesOut = false;
  for (const output of outputs) {
    const { type } = output;
    const isArchive = type === 'oci' || type === 'docker';
    const isFile = type === 'tar' || (isArchive && (parseBool(output.attributes.get('tar') ?? '') ?? true));
    if (type === 'local' || (isArchive && !isFile)) {
      if (output.destination === '') return `type=${type} needs a dest`;
      if (output.destination === '-')
        return `type=${type} writes a directory, so its dest cannot be standard output`;
    }
    if (!isFile) continue;
    if (output.destination === '' && type !== 'docker') output.destination = '-';
    if (output.destination !== '-') continue;
    if (goesOut) return 'more than one writes to standard output';
    goesOut = true;
  }
  return undefined;
}

function wrongAnnotation(text: string): string | undefined {
  const equals = text.indexOf('=');
  if (equals === -1) return `"${text}" must be key=value`;
  const key = text.slice(0, equals);
  if (!key.includes(':')) return undefined;
  for (const part of key.slice(0, key.indexOf(':')).split(',')) {
    const found = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(part);
    const kind = found?.[1] ?? '';
    if (!['index', 'index-descriptor', 'manifest', 'manifest-descriptor'].includes(kind))
      return `"${part}" is not a valid annotation level (index, index-descriptor, manifest, manifest-descriptor)`;
    if (found?.[2] !== undefined && wrongPlatform(found[2]) !== undefined)
      return `"${found[2]}" in "${text}" is not a valid platform`;
  }
  return undefined;
}

const ULIMITS: ReadonlySet<string> = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  ),
);

function wrongUlimit(text: string): string | undefined {
  const found = /^([^=]*)=([+-]?\d+)(?::([+-]?\d+))?$/.exec(text);
  if (found === null) return `"${text}" must be name=soft or name=soft:hard`;
  const [, name = '', soft = '', hard = soft] = found;
  if (!ULIMITS.has(name)) return `there is no limit "${name}"`;
  const limits = [BigInt(soft.replace('+', '')), BigInt(hard.replace('+', ''))] as const;
  const isOver = limits[1] !== -1n && (limits[0] === -1n || limits[0] > limits[1]);
  return isOver ? `the soft limit of "${text}" is above the hard one` : undefined;
}
