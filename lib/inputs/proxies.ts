/** Which proxies the steps of one build get, and as which arguments. */
import {
  attestsArguments,
  type Build,
  namesUser,
  type Problem,
  problem,
  type StepProxies,
} from '../model/mod.ts';

/** Proxies that one build gets. */
export interface ChosenProxies {
  /** Argument → value. Part of the key like other arguments: if declared. */
  readonly args: ReadonlyMap<string, string>;
  /** `build/proxy-withheld`, if there are proxies that it does not get. */
  readonly withheld?: Problem;
}

/** What uses the arguments: a Dockerfile that declares these, or something that may use any, with the reason. */
export type ProxyTaker = ReadonlySet<string> | 'frontend' | 'remote';

/**
 * Chooses the proxies for a build. Each is passed by both of its names, as docker does; if `args` of the build sets one
 * of the names, only that value is used.
 *
 * A proxy with a user is passed in another spelling. BuildKit recognises proxies in any case, and RUN gets them by their
 * usual names, but no ARG declares this spelling, so the password gets neither into the image's history nor into the key.
 */
export function chooseProxies(build: Build, proxies: StepProxies, taker: ProxyTaker): ChosenProxies {
  const args = new Map<string, string>();
  const given = new Set([...build.args.keys()].map((name) => name.toUpperCase()));
  const withheld: string[] = [];
  const unknown = typeof taker === 'string' ? taker : undefined;
  const shown = unknown ?? (attestsArguments(build) ? 'provenance' : undefined);
  for (const [name, value] of proxies) {
    if (given.has(name)) continue;
    if (!namesUser(value)) {
      args.set(name, value);
      args.set(name.toLowerCase(), value);
      continue;
    }
    const spelling =
      shown === undefined && typeof taker !== 'string' ? secretSpelling(name, taker) : undefined;
    if (spelling === undefined) withheld.push(name);
    else args.set(spelling, value);
  }
  if (withheld.length === 0) return { args };
  return { args, withheld: withheldProxies(withheld, shown ?? 'declared', build) };
}

/**
 * The first spelling that is not declared: `HTTP_PROXY` → `hTtp_proxy`, `HTtp_proxy`, and so on; each bit of a counter is
 * the case of a letter. It starts with one that nobody writes, because triggers of bases may be unknown. Undefined: all
 * are declared.
 */
export function secretSpelling(name: string, declared: ReadonlySet<string>): string | undefined {
  const lower = name.toLowerCase();
  for (let bits = 2; bits < 2 ** name.length; bits++) {
    const spelling = [...lower]
      .map((letter, at) => (((bits >> at) & 1) === 1 ? letter.toUpperCase() : letter))
      .join('');
    if (spelling !== name && spelling !== lower && !declared.has(spelling)) return spelling;
  }
  return undefined;
}

const WHY = {
  frontend: 'the arguments go to a frontend other than that of Dockerfiles',
  remote: 'its Dockerfile is inside the remote context, so the use of the arguments is unknown',
  declared: 'its Dockerfile declares every spelling of the name',
  provenance: 'its provenance records the arguments',
  untrusted: 'passwords are withheld from an untrusted file',
};
const HINT = 'Configure a proxy without credentials in its URL (`proxies` in the Docker config).';
const PROVENANCE_HINT =
  'Attest `type=provenance,mode=min`, or configure a proxy without credentials in its URL (`proxies` in the Docker config).';

/** The warning that steps do not get proxies because their URLs contain a user. */
export function withheldProxies(names: readonly string[], why: keyof typeof WHY, build?: Build): Problem {
  const isOne = names.length === 1;
  return problem(
    'build/proxy-withheld',
    `RUN steps do not get ${names.join(', ')}, which ${isOne ? 'has' : 'have'} credentials in the URL: ${WHY[why]}`,
    {
      severity: 'warning',
      hint: why === 'provenance' ? PROVENANCE_HINT : HINT,
      ...(build === undefined ? {} : { build: build.name }),
      ...(build?.span === undefined ? {} : { span: build.span }),
    },
  );
}
