/** Images spelled out as the engine writes them, for tests of what is made from their very bytes. */
import type { ImageOfPlatform } from '../../lib/inputs/rebase.ts';

const LAYERS = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}` as const);

/** What an image says, but for what is the same in all of them. */
export interface SpelledParts {
  readonly layers: number;
  /** A JSON object. */
  readonly labels?: string;
  /** More fields of `config`. */
  readonly more?: string;
  /** More fields below the layers, each after a comma. */
  readonly top?: string;
  readonly author?: string;
  readonly created?: string;
  /** Entries of the history without a layer. */
  readonly steps?: readonly string[];
}

/** An image, spelled out as the engine writes it: `steps` below one COPY for each layer. */
export function spellImage({
  layers,
  labels,
  more = '',
  top = '',
  author,
  created = '2024-01-01T00:00:00Z',
  steps = [],
}: SpelledParts): ImageOfPlatform {
  const entry = (text: string, isEmpty: boolean) =>
    `{"created":"${created}","created_by":"${text}","comment":"buildkit.dockerfile.v0"${isEmpty ? ',"empty_layer":true' : ''}}`;
  const found = LAYERS.slice(0, layers);
  const history = [
    ...found.slice(0, 1).map((_, at) => entry(`COPY ${at}`, false)),
    ...steps.map((text) => entry(text, true)),
    ...found.slice(1).map((_, at) => entry(`COPY ${at + 1}`, false)),
  ];
  const config = [
    ...(labels === undefined ? [] : [`"Labels":${labels}`]),
    ...(more === '' ? [] : [more]),
  ].join(',');
  const by = author === undefined ? '' : `"author":"${author}",`;
  return {
    config: `{"architecture":"amd64",${by}"config":{${config}},"created":"${created}","history":[${history.join(',')}],"os":"linux","rootfs":{"type":"layers","diff_ids":${JSON.stringify(found)}}${top}}`,
    layers: found.map((digest) => ({ digest, text: JSON.stringify({ digest }) })),
  };
}
