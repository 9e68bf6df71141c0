/** Which proxies the steps of one build get, and as which arguments. */
import {
  attestsArguments,
  type Build,
  namesUser,
  type Problem,
  problem,
  type StepProxies,
} from '../model/mod.ts';

/** What is handed to one build. */
export interface ChosenProxies {
  /** Argument → value. Counts in the key as other arguments do: where it is declared. */
  readonly args: ReadonlyMap<string, string>;
  /** `build/proxy-withheld`, where there are some that it does not get. */
  readonly withheld?: Problem;
}

/**
 * Chooses what a build gets. Each proxy goes by both of its names, as with docker; what `args` of the build says of it,
 * by either name, stands alone.
 *
 * One with a user goes by a third spelling. BuildKit knows its proxies whatever the case, and RUN gets them by their usual
 * names; but no ARG declares this one, so that the password does not get into the history of the image.
 *
 * @param isForeign another frontend than Dockerfile's: nobody knows what becomes of the arguments
 */
export function chooseProxies(build: Build, proxies: StepProxies, isForeign: boolean): ChosenProxies {
  const args = new Map<string, string>();
  const given = new Set([...build.args.keys()].map((name) => name.toUpperCase()));
  const withheld: string[] = [];
  const isShown = isForeign || attestsArguments(build);
  for (const [name, value] of proxies) {
    if (given.has(name)) continue;
    if (!namesUser(value)) {
      args.set(name, value);
      args.set(name.toLowerCase(), value);
    } else if (isShown) withheld.push(name);
    else args.set(secretSpelling(name), value);
  }
  if (withheld.length === 0) return { args };
  return { args, withheld: withheldProxies(withheld, isForeign ? 'frontend' : 'provenance', build) };
}

/** `HTTP_PROXY` → `Http_Proxy` */
export function secretSpelling(name: string): string {
  return name.toLowerCase().replace(/(?:^|_)./g, (one) => one.toUpperCase());
}

const WHY = {
  frontend: 'another frontend than that of Dockerfiles gets the arguments',
  provenance: 'its provenance holds the arguments',
  untrusted: 'with --untrusted steps get no passwords',
};
const HINT = {
  frontend: 'Give the steps a proxy without a user in its URL (`proxies` in the Docker config).',
  provenance:
    'Attest `type=provenance,mode=min`, or give the steps a proxy without a user in its URL (`proxies` in the Docker config).',
  untrusted: 'Give the steps a proxy without a user in its URL (`proxies` in the Docker config).',
};

/** The warning that steps do not get proxies, since there is a user in their URLs. */
export function withheldProxies(names: readonly string[], why: keyof typeof WHY, build?: Build): Problem {
  const isOne = names.length === 1;
  return problem(
    'build/proxy-withheld',
    `RUN does not get ${names.join(', ')}, with a user in ${isOne ? 'its URL' : 'their URLs'}: ${WHY[why]}`,
    {
      severity: 'warning',
      hint: HINT[why],
      ...(build === undefined ? {} : { build: build.name }),
      ...(build?.span === undefined ? {} : { span: build.span }),
    },
  );
}
