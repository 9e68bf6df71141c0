/** A reporter for node:test: one JSON line for each test that ended, for `.ci/test.mjs` to count. */
export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const skipped = (data.skip ?? false) !== false || (data.todo ?? false) !== false;
    yield `${JSON.stringify({
      name: data.name,
      nesting: data.nesting,
      state: skipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed',
      // A suite or a test with subtests that fails only because one of them did is not a failure of its own.
      byChild: data.details?.error?.failureType === 'subtestsFailed',
    })}\n`;
  }
}
