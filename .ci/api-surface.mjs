/** The report of the public surface: every exported name with its full signature, one member per line, in a stable order. */
import { compareText, declarationLines } from './api-types.mjs';

/** Path of the report. */
export const SURFACE_FILE = '.ci/public-api.txt';

const HEAD = `Everything that lib/mod.ts exports, made by \`npm run api\` (.ci/api.mjs). A line that goes or changes breaks
programs; one that comes is new. Members stand in the order of their names.
`;

/** The whole file. */
export function formatSurface(symbols) {
  return `${HEAD}\n${symbols.map(linesOf).join('\n\n')}\n`;
}

/** Sorted, because the order of members does not matter for the surface. */
function sortMembers(symbol) {
  if (symbol.kind !== 'interface' && symbol.kind !== 'class') return symbol;
  const byName = (one, other) => compareText(one.name ?? '', other.name ?? '');
  const { properties = [], methods = [] } = symbol.def;
  return {
    ...symbol,
    def: { ...symbol.def, properties: [...properties].sort(byName), methods: [...methods].sort(byName) },
  };
}

function linesOf(symbol) {
  const lines = declarationLines(sortMembers(symbol));
  return lines.map((line) => line.trimEnd()).join('\n');
}
