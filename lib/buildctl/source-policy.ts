/** Source policy rules for images (buildkit sourcepolicy/): a pure function. */
import type { Pin } from '../model/mod.ts';
import { aliasOf, imageIdentifier, type Link } from './argv.ts';

/** A rule that replaces one image by another. */
export interface ConvertRule {
  readonly action: 'CONVERT';
  readonly selector: {
    readonly identifier: string;
    readonly match_type?: 'EXACT';
    readonly constraints?: readonly {
      readonly key: string;
      readonly condition: 'NOTEQUAL';
      readonly value: string;
    }[];
  };
  readonly updates: { readonly identifier: string; readonly attrs?: Readonly<Record<string, string>> };
}

/** An attribute that no BuildKit source uses; it marks the frontend's look-ups. */
const MARK = 'bake-ts.config';

/** Returns the rules for pinned images and for images that steps read through their layers-only image. */
export function sourcePolicy(pins: readonly Pin[], links: readonly Link[]): readonly ConvertRule[] {
  const rules = new Map<string, ConvertRule>();
  for (const rule of [...pins.map(pinRule), ...links.flatMap(splitRules)])
    rules.set(rule.selector.identifier, rule);
  return [...rules.values()];
}

/**
 * Turns `name:tag` into `name:tag@digest` wherever the build reads it: the build gets the image that its key was computed from,
 * even if the tag has moved since.
 */
function pinRule({ ref, digest }: Pin): ConvertRule {
  const identifier = imageIdentifier(ref);
  return { action: 'CONVERT', selector: { identifier }, updates: { identifier: `${identifier}@${digest}` } };
}

/**
 * The frontend looks up a named context twice: first its config by the given name, then, for the steps, the returned name without
 * attributes. The first rule marks the config look-up, which keeps the image itself; the second rule redirects unmarked look-ups
 * to the layers-only image.
 */
function splitRules(link: Link): readonly ConvertRule[] {
  if (link.kind !== 'image' || link.layersOnly === undefined) return [];
  const image = imageIdentifier(link.ref);
  return [
    {
      action: 'CONVERT',
      selector: { identifier: imageIdentifier(aliasOf(link.ref)), match_type: 'EXACT' },
      updates: { identifier: image, attrs: { [MARK]: 'yes' } },
    },
    {
      action: 'CONVERT',
      selector: {
        identifier: image,
        match_type: 'EXACT',
        constraints: [{ key: MARK, condition: 'NOTEQUAL', value: 'yes' }],
      },
      updates: { identifier: imageIdentifier(link.layersOnly) },
    },
  ];
}
