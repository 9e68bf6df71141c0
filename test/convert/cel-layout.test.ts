/** Long expressions over several lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breakText } from '../../lib/convert/cel-layout.ts';

const LONG = 'vars.A_RATHER_LONG_NAME_OF_A_VARIABLE';

test('what is short, literal or broken by its writer stays as it is', () => {
  const texts = [
    '${{ vars.A ? "b" : "c" }}',
    'x'.repeat(300),
    `$\${{ ${'x'.repeat(300)}`,
    `\${{ ${LONG} +\n${LONG} + ${LONG} + ${LONG} }}`,
  ];
  for (const text of texts) assert.equal(breakText(text, 8), text);
});

/** Expressions and how they are broken. */
const BROKEN: readonly (readonly [string, string])[] = [
  [
    `pre-\${{ ${LONG} == "x" ? ${LONG} : ${LONG} + ${LONG} }}-post`,
    `pre-\${{ ${LONG} == "x"
    ? ${LONG}
    : ${LONG} + ${LONG} }}-post`,
  ],
  [
    `\${{ ${LONG} == "x" && ${LONG} != "y" ? "${'z'.repeat(60)}" : ${LONG} != "" ? "short" : null }}`,
    `\${{ ${LONG} == "x" && ${LONG} != "y"
    ? "${'z'.repeat(60)}"
    : ${LONG} != "" ? "short"
    : null }}`,
  ],
  [
    `\${{ ${LONG} + ":" + ${LONG} + "-" + ${LONG} + "-" + ${LONG} }}`,
    `\${{ ${LONG} + ":" + ${LONG} + "-"
    + ${LONG} + "-" + ${LONG} }}`,
  ],
  [
    `\${{ [${LONG}, ${LONG}] + [${LONG}].map(one, one + ":" + ${LONG}) }}`,
    `\${{ [${LONG}, ${LONG}]
    + [${LONG}].map(one,
        one + ":" + ${LONG}
      ) }}`,
  ],
  [
    `\${{ pick([${Array.from({ length: 12 }, (_, at) => `matrix.axis_${at}`).join(', ')}]) }}`,
    `\${{ pick([
      matrix.axis_0, matrix.axis_1, matrix.axis_2, matrix.axis_3, matrix.axis_4, matrix.axis_5,
      matrix.axis_6, matrix.axis_7, matrix.axis_8, matrix.axis_9, matrix.axis_10, matrix.axis_11
    ]) }}`,
  ],
  [
    `\${{ ${LONG}.map(one, outer(inner([${LONG}, "a, (b ? c : d)", ${LONG}, one.value]))).flatten() }}`,
    `\${{ ${LONG}.map(one,
      outer(inner([
        ${LONG},
        "a, (b ? c : d)",
        ${LONG},
        one.value
      ]))
    ).flatten() }}`,
  ],
];

test('expressions are broken where they bind loosest', () => {
  for (const [text, expected] of BROKEN) {
    const broken = breakText(text, 8);
    assert.equal(broken, expected);
    assert.equal(broken.replaceAll(/\s+/g, ''), text.replaceAll(/\s+/g, ''));
  }
});
