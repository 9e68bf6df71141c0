/** The expressions of GitHub Actions, as far as our workflows go: contexts, texts, `==`, `!=`, `!`, `&&`, `||`, parentheses. */

/** Context → its values. */
export type Contexts = Readonly<Record<string, unknown>>;

const TOKEN = /\s*(?:('(?:[^']|'')*')|(==|!=|&&|\|\||!|\(|\))|([A-Za-z_][\w.-]*))/y;

/** The value of an expression. Throws for what this does not know, so that no test passes for want of it. */
export function evaluate(text: string, contexts: Contexts): unknown {
  const tokens = tokenize(text);
  let at = 0;
  const peek = (): string | undefined => tokens[at];
  const either = (): unknown => {
    let value = both();
    while (peek() === '||') {
      at++;
      const other = both();
      value = isTrue(value) ? value : other;
    }
    return value;
  };
  const both = (): unknown => {
    let value = equal();
    while (peek() === '&&') {
      at++;
      const other = equal();
      value = isTrue(value) ? other : value;
    }
    return value;
  };
  const equal = (): unknown => {
    const value = single();
    const operator = peek();
    if (operator !== '==' && operator !== '!=') return value;
    at++;
    const isSame = String(value ?? '') === String(single() ?? '');
    return operator === '==' ? isSame : !isSame;
  };
  const single = (): unknown => {
    const token = tokens[at++];
    if (token === '!') return !isTrue(single());
    if (token === '(') {
      const value = either();
      if (tokens[at++] !== ')') throw new Error(`a parenthesis is open in: ${text}`);
      return value;
    }
    if (token?.startsWith("'") === true) return token.slice(1, -1).replaceAll("''", "'");
    if (token === undefined || !/^[A-Za-z_]/.test(token)) throw new Error(`not understood: ${text}`);
    return lookUp(token, contexts);
  };
  const value = either();
  if (at !== tokens.length) throw new Error(`not understood: ${text}`);
  return value;
}

/** A text with its expressions replaced. */
export function interpolate(text: string, contexts: Contexts): string {
  return text.replace(/\$\{\{((?:'[^']*'|[^'}]|\}(?!\}))*)\}\}/g, (_whole, inner: string) =>
    String(evaluate(inner, contexts) ?? ''),
  );
}

/** Whether a condition holds. */
export function isTrue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false && value !== 0;
}

function tokenize(text: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trim();
  for (let end = 0; end < trimmed.length; end = TOKEN.lastIndex) {
    TOKEN.lastIndex = end;
    const found = TOKEN.exec(trimmed);
    if (found === null) throw new Error(`not understood: ${text}`);
    tokens.push(found[1] ?? found[2] ?? found[3] ?? '');
  }
  return tokens;
}

function lookUp(dotted: string, contexts: Contexts): unknown {
  const [context = '', ...rest] = dotted.split('.');
  if (!Object.hasOwn(contexts, context)) throw new Error(`no context ${context} here: ${dotted}`);
  return rest.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? (value as Contexts)[name] : undefined),
    contexts[context],
  );
}
