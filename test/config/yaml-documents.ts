/** Random documents for comparing the readers of YAML: right ones in every style, and ones that are nearly right. */
import fc from 'fast-check';

const SCALARS = [
  ...[
    'a',
    'b c',
    'x:y',
    'x#y',
    'a, b',
    'a, "b',
    "it's",
    '-1',
    '- ',
    '-',
    '?',
    ':',
    'http://x/y#z',
    '@x',
    '%x',
  ],
  ...[
    '1',
    '01',
    '0x1',
    '0o1',
    '1.0',
    '1.50',
    '.5',
    '1e3',
    '+1',
    '-0',
    '.inf',
    '.nan',
    '.NaN',
    'true',
    'True',
  ],
  ...[
    'null',
    'Null',
    '~',
    '',
    'yes',
    '<<',
    '=',
    '"a"',
    "'b'",
    "'it''s'",
    '"\\n\\u0041\\""',
    '"\\x41"',
    '"a: b, c"',
  ],
  ...[
    '"#"',
    "''",
    '""',
    'a\u00a0',
    '\u00a0a',
    '"\u00a0"',
    'a\u0085b',
    'é😀',
    '[]',
    '{}',
    '[a]x',
    'a]',
    'a}',
    ',a',
  ],
  ...[
    '${{ a }}',
    '${{ b ? "c: d" : e }}',
    'x-${{ f(1, 2) }}-y',
    '${{ {"k": [1]} }}',
    '${{ a # b }}',
    '$${{ c }}',
  ],
  ...[
    '${{ "}}" }}',
    "${{ 'it' }}x",
    '${{ open',
    '"${{ q }}"',
    '"${{ \'r\' }}"',
    '$${{ a: b }}',
    '}}',
    'a ${{',
  ],
  ...['&n a', '*n', '!t a', '!!str 1', '|', '>', '`', 'a\tb', 'a\t', '---', '...', 'a:', 'a #', '# a'],
] as const;

/** What files usually hold: documents of these only are read fast for the most part. */
const USUAL_SCALARS = [
  ...[
    'a',
    'b c',
    'x:y',
    '1',
    '3.10',
    'true',
    '~',
    'http://x/y#z',
    '"q, r"',
    "'it''s'",
    '"\\n"',
    '',
    'é',
    'a, b',
    'x"y',
  ],
  ...[
    '${{ a }}',
    '${{ b ? "c: d" : e }}',
    '"${{ q }}"',
    'x-${{ f(1, 2) }}-y',
    '-1',
    '[]',
    '{}',
    'a\u00a0',
    '.5',
    '1e3',
  ],
] as const;

const USUAL_KEYS = ['a', 'b', 'c', 'd e', '"f"', "'g'", 'h-1', '3.10', '${{ k }}/x', 'i', 'j', 'null', '1'];

const KEYS = ['a', 'b', 'c d', '"e"', "'f'", '1', '"1"', '0x1', '~', 'null', 'true', '.5', '"a"', '${{ k }}'];

interface Written {
  /** The lines as they stand in a block collection, without the indentation of the whole. */
  readonly block: readonly string[];
  /** In one line, as a flow collection can hold it. */
  readonly flow: string;
}

const gap = fc.constantFrom('', '', '', '', ' ', '  ');
const comment = fc.constantFrom('', '', '', '', '', ' # c', '  # "c', " # c: 'd", ' # ${{ c }}', ' ');

const literal = fc
  .tuple(
    fc.constantFrom('|', '|', '|-', '|+', '>', '>-', '|2', '|1-'),
    comment,
    fc.array(
      fc.constantFrom(
        'x',
        ' x',
        '  y: z',
        '',
        ' ',
        '   ',
        '# d',
        '"q',
        '${{ z',
        '- e',
        "it's",
        '\tt',
        '${{ a }}',
      ),
      {
        maxLength: 5,
      },
    ),
    fc.integer({ min: 0, max: 3 }),
  )
  .map(
    ([header, note, lines, indent]): Written => ({
      block: [
        `${header}${note}`,
        ...lines.map((line) => (line === '' ? '' : `${' '.repeat(indent)}${line}`)),
      ],
      flow: 'z',
    }),
  );

/** Scalars that go over several lines. */
const folded = fc
  .tuple(
    fc.constantFrom('', '"', "'"),
    fc.array(fc.constantFrom('x', 'y: z', '- e', '', '${{ a ?', 'b: c }}', '"q', "it's"), {
      minLength: 2,
      maxLength: 4,
    }),
  )
  .map(([quote, lines]): Written => {
    const inside = quote === '' ? lines : lines.map((line) => line.replaceAll(quote, ''));
    const [first = '', ...rest] = inside;
    const last = rest.pop() ?? '';
    return {
      block: [`${quote}${first}`, ...rest, `${last}${quote}`],
      flow: `${quote}${inside.join('\n     ')}${quote}`,
    };
  });

function nodesOf(
  scalars: readonly string[],
  keys: readonly string[],
  oddWeight: number,
): fc.Arbitrary<Written> {
  const key = fc.constantFrom(...keys);
  const scalar = fc
    .tuple(fc.constantFrom(...scalars), comment)
    .map(([text, note]): Written => ({ block: [`${text}${note}`], flow: text }));
  return fc.letrec<{ node: Written; collection: Written }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 6, arbitrary: scalar },
      { weight: oddWeight, arbitrary: literal },
      { weight: oddWeight, arbitrary: folded },
      { weight: 6, arbitrary: tie('collection') },
    ),
    collection: fc.oneof(
      fc
        .tuple(fc.array(tie('node'), { maxLength: 4 }), fc.boolean(), gap)
        .map(([items, isFlow, space]) => listOf(items, isFlow, space)),
      fc
        .tuple(
          fc.uniqueArray(fc.tuple(key, tie('node')), { maxLength: 4, selector: ([name]) => name }),
          fc.boolean(),
          gap,
          fc.boolean(),
        )
        .map(([entries, isFlow, space, isNear]) => mapOf(entries, isFlow, space, isNear)),
    ),
  })).node;
}

function indented(lines: readonly string[], by: number): readonly string[] {
  return lines.map((line) => (line === '' ? '' : `${' '.repeat(by)}${line}`));
}

function listOf(items: readonly Written[], isFlow: boolean, space: string): Written {
  const separator = space.length > 1 ? `,\n${' '.repeat(6)}` : `,${space} `;
  const flow = `[${space}${items.map((item) => item.flow).join(separator)}${space}]`;
  if (isFlow || items.length === 0) return { block: flow.split('\n'), flow };
  return {
    flow,
    block: items.flatMap(({ block: [first = '', ...rest] }) => [
      `-${space} ${first}`,
      ...indented(rest, 2 + space.length),
    ]),
  };
}

function mapOf(
  entries: readonly (readonly [string, Written])[],
  isFlow: boolean,
  space: string,
  isNear: boolean,
): Written {
  const separator = space.length > 1 ? `,\n${' '.repeat(6)}` : `,${space} `;
  const flow = `{${space}${entries.map(([name, value]) => `${name}${space}: ${value.flow}`).join(separator)}${space}}`;
  if (isFlow || entries.length === 0) return { block: flow.split('\n'), flow };
  return {
    flow,
    block: entries.flatMap(([name, { block }]) => {
      const [first = '', ...rest] = block;
      const isCollection = /^(?:- |[^\s"'[{|>#&!*][^"'#]*:(?: |$))/.test(first);
      if (isCollection) return [`${name}:`, ...indented(block, first.startsWith('- ') && isNear ? 0 : 2)];
      return [`${name}${space}: ${first}`, ...indented(rest, 2)];
    }),
  };
}

const ODD = [
  ...[
    ' ',
    '  ',
    '\n',
    '\n  ',
    '\n\n',
    '\r\n',
    '\r',
    '\t',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    ', ',
    ':',
    ': ',
    '- ',
    '? ',
  ],
  ...[
    '#',
    ' #',
    '|',
    '>',
    '&x ',
    '*x',
    '!t ',
    '%',
    '@',
    '${{',
    '}}',
    '${{ a, b: c }}',
    '\\',
    '\u00a0',
    '\u0085',
    '\u2028',
  ],
  ...[
    '\ufeff',
    '---\n',
    '...\n',
    '\n---\n',
    '~',
    'null: ',
    '1: ',
    '<<: ',
    'x'.repeat(1030),
    '\ue000',
    '\u0000',
    '\ud800',
  ],
];

/** A few insertions, deletions and repetitions. */
const change = fc.tuple(fc.nat(), fc.constantFrom(...ODD), fc.nat({ max: 4 }), fc.nat({ max: 5 }));

/** Lines that fit together by chance only. */
const lines = fc
  .array(
    fc.tuple(
      fc.nat({ max: 5 }),
      fc.array(fc.constantFrom(...SCALARS, ...KEYS, ...ODD, 'a: ', '- '), { maxLength: 5 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.map(([indent, words]) => `${' '.repeat(indent)}${words.join('')}`).join('\n'));

const whole = fc.oneof(
  { weight: 3, arbitrary: nodesOf(USUAL_SCALARS, USUAL_KEYS, 0).map(({ block }) => block.join('\n')) },
  { weight: 3, arbitrary: nodesOf(SCALARS, KEYS, 1).map(({ block }) => block.join('\n')) },
  { weight: 1, arbitrary: lines },
);

/** The documents. About half of them are read without a mistake. */
export const yamlDocument: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '', '', '', '---\n', '# c\n', '\n', '%YAML 1.2\n---\n', '--- '),
    whole,
    fc.constantFrom('\n', '\n', '\n', '', '\n\n', '\n# end\n', '\n...\n', '  '),
    fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(change, { maxLength: 3 }) },
    ),
    fc.constantFrom(false, false, false, false, false, true),
  )
  .map(([head, text, tail, changes, hasCarriageReturns]) => {
    let result = `${head}${text}${tail}`;
    for (const [place, odd, removed, repeated] of changes) {
      const at = place % (result.length + 1);
      const again = repeated === 5 ? result.slice(at, at + 12) : '';
      result = `${result.slice(0, at)}${odd}${again}${result.slice(at + removed)}`;
    }
    return hasCarriageReturns ? result.replaceAll(/\r?\n/g, '\r\n') : result;
  });

/** Maps, many of which have a key twice, in one writing or in two. */
export const mapDocument: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.constantFrom(...KEYS, '1.0', '0o1', 'False', '.NaN', '.nan', "'~'"),
        fc.constantFrom('x', '[y]'),
      ),
      {
        minLength: 2,
        maxLength: 6,
      },
    ),
    fc.constantFrom('', 'k: '),
    fc.boolean(),
  )
  .map(([entries, outer, isFlow]) => {
    const lines = entries.map(([key, value]) => `${key}: ${value}`);
    if (isFlow) return `${outer}{ ${lines.join(', ')} }\n`;
    return outer === '' ? `${lines.join('\n')}\n` : `k:\n${indented(lines, 2).join('\n')}\n`;
  });
