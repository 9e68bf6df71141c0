/** Which frontend is used, and which options are passed to it unchanged: `frontend`, `source`, `opts`. */
import { type FrontendImage, insteadOfOpt, parseImageRef } from '../model/mod.ts';
import { at } from './tree.ts';
import { plainText, type Values } from './values.ts';

const FRONTENDS = ['dockerfile.v0', 'gateway.v0'];

/** Reads `frontend` and `source`; undefined: BuildKit's own Dockerfile frontend. */
export function readFrontend(values: Values): FrontendImage | undefined {
  const frontend = values.text('frontend');
  const source = values.text('source');
  const word = frontend === undefined || frontend.text === '' ? 'dockerfile.v0' : frontend.text;
  const image = source?.text ?? '';
  if (frontend !== undefined && !FRONTENDS.includes(word)) {
    values.fail(
      'config/wrong-type',
      `"frontend" must be dockerfile.v0 or gateway.v0, not "${word}"`,
      frontend.node,
      { hint: 'For any other frontend set `frontend: gateway.v0` and `source`, its image.' },
    );
    return undefined;
  }
  if (word === 'dockerfile.v0') {
    if (source !== undefined && image !== '') {
      values.fail('config/frontend', '"source" needs `frontend: gateway.v0`', source.node, {
        hint: 'Add `frontend: gateway.v0`, or leave `source` out (`source: ""` where it is inherited).',
      });
    }
    return undefined;
  }
  if (source === undefined || image === '') {
    if (frontend !== undefined) {
      values.fail('config/frontend', 'gateway.v0 needs `source`, the image of the frontend', frontend.node, {
        hint: 'For example `source: docker/dockerfile:1`.',
      });
    }
    return undefined;
  }
  if (parseImageRef(image) === undefined || image === 'dockerfile.v0') {
    values.fail('config/frontend', `"${image}" is not a valid image reference`, source.node, {
      hint: "Write [registry/]repository[:tag]; for BuildKit's own frontend, `frontend: dockerfile.v0`.",
    });
    return undefined;
  }
  return { image, ...at(source.node) };
}

/** Reads `opts`; options that have a key of their own are problems. */
export function readOpts(values: Values): ReadonlyMap<string, string> {
  const opts = new Map<string, string>();
  for (const [name, value] of values.map('opts')) {
    const text = plainText(value) ?? values.textOf(value, `opts.${name}`);
    if (text === undefined) continue;
    const instead = insteadOfOpt(name);
    if (instead !== undefined) {
      values.fail('config/opt', `"${name}" cannot be given in opts`, value.node, { hint: instead });
    } else if (name === '' || name.includes('=')) {
      values.fail('config/opt', `"${name}" is not a valid name in opts`, value.node, {
        hint: 'Use a name without "=".',
      });
    } else opts.set(name, text);
  }
  return opts;
}
