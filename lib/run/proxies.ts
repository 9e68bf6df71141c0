/** The proxies for the steps of a run. */
import { withheldProxies } from '../inputs/mod.ts';
import {
  namedEngine,
  namedPool,
  namesUser,
  type Plan,
  type Problem,
  type StepProxies,
  sensitiveOfProxies,
} from '../model/mod.ts';
import { readStepProxies } from '../registry/mod.ts';

/** Where proxies are searched. */
export interface ProxySearch {
  readonly plan: Plan;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--addr` */
  readonly address?: string | readonly string[];
}

/** What was found. */
export interface RunProxies {
  readonly proxies: StepProxies;
  /** Warnings to report as soon as something is built. */
  readonly warnings: readonly Problem[];
  /** Values to hide in all output. */
  readonly sensitive: readonly string[];
}

/** Finds the proxies for a plan. Untrusted steps get no proxy with a user in its URL. */
export async function findProxies({ plan, env, address }: ProxySearch): Promise<RunProxies> {
  const names = { flagAddresses: address, env, settings: plan.set.engine };
  // All engines of a pool get the same proxies.
  const [first] = namedPool(names) ?? [];
  const read = await readStepProxies(env, namedEngine(names)?.address ?? first?.address);
  if (!read.ok) {
    const warnings = read.error.map((one): Problem => ({ ...one, severity: 'warning' }));
    return { proxies: new Map(), warnings, sensitive: [] };
  }
  const sensitive = sensitiveOfProxies(read.value);
  if (!plan.set.grants.untrusted) return { proxies: read.value, warnings: [], sensitive };
  const withheld = [...read.value].flatMap(([name, value]) => (namesUser(value) ? [name] : []));
  return {
    proxies: new Map([...read.value].filter(([, value]) => !namesUser(value))),
    warnings: withheld.length === 0 ? [] : [withheldProxies(withheld, 'untrusted')],
    sensitive,
  };
}
