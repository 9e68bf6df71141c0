/** The rules by which the engine reads images (buildkit sourcepolicy/): a pure function. */
import type { Pin } from '../model/mod.ts';
import { aliasOf, imageIdentifier, type Link } from './argv.ts';

/** A rule that turns one image into another one. */
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

/** An attribute that no source of BuildKit's knows; it marks what the frontend looks up. */
const MARK = 'bake-ts.config';

/** The rules for the images that a build is pinned to and for those that its steps read without their configs. */
export function sourcePolicy(pins: readonly Pin[], links: readonly Link[]): readonly ConvertRule[] {
  const rules = new Map<string, ConvertRule>();
  for (const rule of [...pins.map(pinRule), ...links.flatMap(splitRules)])
    rules.set(rule.selector.identifier, rule);
  return [...rules.values()];
}

/**
 * Turns `name:tag` into `name:tag@digest` wherever the build reads it: what the key was made of is what the build gets,
 * though the tag may move in between.
 */
function pinRule({ ref, digest }: Pin): ConvertRule {
  const identifier = imageIdentifier(ref);
  return { action: 'CONVERT', selector: { identifier }, updates: { identifier: `${identifier}@${digest}` } };
}

/**
 * The frontend looks a named context up twice: its config by the name it was given, and then, for the steps, the name
 * that came back, without attributes. So the first rule marks the look-up, which stays with the image itself, and the
 * second one leads what is not marked to the layers-only image.
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
