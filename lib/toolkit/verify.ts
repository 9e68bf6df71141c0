/** Verifying images from a script. */
import { type EventSink, fail, ok, type Result } from '../model/mod.ts';
import { runtimeName } from '../system/mod.ts';
import { checkOptions, type KnownOptions } from '../util/check-options.ts';
import { type PathPattern, readPathPattern } from '../util/path-pattern.ts';
import { VERSION } from '../util/version.ts';
import type { Verification } from '../verify/mod.ts';
import { PLANNED_OPTIONS, type PlannedOptions, planOf, workOf } from './builds.ts';
import { CALL_SETTINGS, type CallSettings, callSettingsOf } from './call-settings.ts';
import { type Running, startWork } from './events.ts';
import { permitted } from './permitted.ts';
import { heard } from './run.ts';
import { BakeError } from './unwrap.ts';

/** What to verify. */
export interface VerifyOptions extends PlannedOptions, CallSettings {
  /** How many builds run at the same time, at least 1. Default: two for each processor. */
  readonly jobs?: number;
  /** Also count known noise: differences that two builds of the same inputs commonly have. */
  readonly strict?: boolean;
  /** Paths in the image whose differences do not count: `/var/cache/**`, or a name at any depth such as `*.pyc`. */
  readonly ignore?: readonly string[];
  /** Gets every event as it happens. */
  readonly onEvent?: EventSink;
}

const VERIFY_OPTIONS: KnownOptions<VerifyOptions> = {
  ...PLANNED_OPTIONS,
  ...CALL_SETTINGS,
  jobs: 'count',
  strict: 'flag',
  ignore: 'texts',
  onEvent: 'function',
};

/**
 * Checks whether tags hold what their builds make: each selected build is built again without any cache, as a scratch
 * build, and compared with the registry. Pushes, moves and records nothing.
 *
 * @returns a promise of a verdict for each build, which is also the stream of events. A difference is not a failure: check
 *   `verdict`. Problems: those of reading, planning, the engine, and missing secrets
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * for (const { build, verdict, differences } of unwrap(await verify({ patterns: ['api'], ignore: ['*.pyc'] }))) {
 *   console.log(build, verdict);
 *   for (const difference of differences) console.log(`  ${difference}`);
 * }
 * ```
 */
export function verify(options: VerifyOptions = {}): Running<Result<readonly Verification[]>> {
  return startWork<Result<readonly Verification[]>>({
    ...heard(options),
    start: (onEvent, signal) =>
      permitted(
        async () => {
          checkOptions('verify', options, VERIFY_OPTIONS);
          const ignore = (options.ignore ?? []).map(readIgnored);
          const planned = await planOf(options);
          if (!planned.ok) return planned;
          if (planned.value.missing.length > 0) return fail(planned.value.missing);
          const { jobs, strict = false } = options;
          const { verifyBuilds } = await import('../verify/mod.ts');
          const report = await verifyBuilds({
            ...workOf(planned.value),
            ...callSettingsOf({ ...options, signal }),
            onEvent,
            version: VERSION,
            runtime: runtimeName(),
            rules: { isStrict: strict, ignore },
            ...(jobs === undefined ? {} : { jobs }),
          });
          return report.problems.length > 0 ? fail(report.problems) : ok(report.builds);
        },
        { signal },
        true,
      ),
    failureOf: (result) => (result.ok ? undefined : new BakeError(result.error)),
  });
}

function readIgnored(text: string): PathPattern {
  const pattern = readPathPattern(text);
  if (pattern !== undefined) return pattern;
  throw new TypeError(
    `the option "ignore" of verify() takes paths in the image such as /var/cache/** and names such as *.pyc, and not ${JSON.stringify(text)}`,
  );
}
