/** The platforms of a build: normalised, and as written. */
import { findUnknownWord, formatPlatform, type Platform, parsePlatform } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import type { Values } from './values.ts';

/** The most common platforms, for suggestions. */
const USUAL = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/arm/v6', 'linux/386', 'windows/amd64'];

/** Platforms without duplicates, in the order written. */
export interface Platforms {
  readonly normal: readonly string[];
  /** Absent if they are written in normalised form. */
  readonly written?: readonly string[];
}

/** Reads `platforms`; invalid ones are reported. */
export function readPlatforms(values: Values): Platforms {
  const items = values.replaced('platforms');
  if (items.length === 0) return { normal: [] };
  const normal = new Set<string>();
  const written = new Set<string>();
  for (const item of items) {
    const text = values.textOf(item, 'an item of platforms');
    for (const one of text?.split(',') ?? []) {
      const platform = one.trim();
      if (platform === '') continue;
      if (platform === 'local') {
        written.add(platform);
        continue;
      }
      const parsed = parsePlatform(platform);
      const wrong = whatIsWrong(platform, parsed);
      if (parsed === undefined || wrong !== undefined) {
        const { message, hint } = wrong ?? noPlatform(platform);
        values.fail('config/platform', message, item.node, { hint });
        continue;
      }
      written.add(platform);
      normal.add(formatPlatform(parsed));
    }
  }
  const [first] = items;
  if (first !== undefined && written.has('local') && normal.size > 0) {
    const { node } = items.find(({ value }) => value === 'local') ?? first;
    values.fail('config/platform', '"local" cannot be combined with other platforms', node, {
      hint: 'Name the platform instead, such as linux/amd64.',
    });
  }
  const normalList = [...normal];
  const writtenList = [...written];
  const isSame =
    writtenList.length === normalList.length && writtenList.every((one, index) => one === normalList[index]);
  return { normal: normalList, ...(isSame ? {} : { written: writtenList }) };
}

interface Wrong {
  readonly message: string;
  readonly hint: string;
}

/** BuildKit accepts any two words, and then finds no image of that platform, or makes one that runs nowhere. */
function whatIsWrong(written: string, parsed: Platform | undefined): Wrong | undefined {
  const unknown = parsed === undefined ? undefined : findUnknownWord(parsed);
  if (unknown === undefined) return undefined;
  const { what, word, near } = unknown;
  const plain = noPlatform(written);
  const message = written.includes('/')
    ? `"${written}" is not a platform: there is no ${what} "${word}"`
    : plain.message;
  return { message, hint: near === undefined ? plain.hint : `Did you mean "${near}"?` };
}

function noPlatform(written: string): Wrong {
  const near = suggest(written, USUAL);
  return {
    message: `"${written}" is not a platform`,
    hint:
      near === undefined
        ? 'Write os/arch or os/arch/variant, such as linux/amd64 or linux/arm/v7.'
        : `Did you mean "${near}"?`,
  };
}
