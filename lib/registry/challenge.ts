/**
 * The `WWW-Authenticate` header: the authentication schemes that a registry offers. Grammar: RFC 9110 §11.3–11.6.1; the Bearer
 * parameters: distribution spec, "token authentication".
 */

/** One offered scheme. Parameter names are lower-case; values are unchanged. */
export interface Challenge {
  /** Lower-case: `bearer`, `basic`, … */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+/;
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/;

/**
 * Parses one header value, which may hold several challenges, each with several parameters, all separated by commas. A syntax
 * error ends the parse: the challenges read so far are returned, since one valid challenge is enough.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = header;
  const take = (pattern: RegExp): string | undefined => {
    const match = pattern.exec(rest)?.[0];
    if (match !== undefined) rest = rest.slice(match.length);
    return match;
  };
  for (;;) {
    take(/^[\s,]+/);
    const name = take(TOKEN);
    if (name === undefined) return found;
    take(/^\s+/);
    const current = found.at(-1);
    if (current !== undefined && rest.startsWith('=')) {
      take(/^=\s*/);
      const value = takeQuoted() ?? takeBare();
      if (value === undefined) return found;
      // The first one takes precedence: a later duplicate could come from a careless proxy.
      const key = name.toLowerCase();
      if (!current.parameters.has(key)) current.parameters.set(key, value);
      continue;
    }
    found.push({ scheme: name.toLowerCase(), parameters: new Map() });
    // `Negotiate abc==` carries a bare value instead of parameters; it is of no use here.
    take(TOKEN68);
  }

  function takeQuoted(): string | undefined {
    const quoted = take(/^"(?:[^"\\]|\\.)*"/s);
    return quoted?.slice(1, -1).replace(/\\(.)/gs, '$1');
  }

  // Wider than a token: some registries leave out the quotes around a URL; commas still end it.
  function takeBare(): string | undefined {
    return take(/^[^\s,"]+/);
  }
}
