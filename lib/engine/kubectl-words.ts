/** What kubectl says where it cannot do what it is asked. */
import { type Problem, problem } from '../model/mod.ts';

/**
 * Reads kubectl's words, as it prints them itself and as buildctl hands them on. Problem: `engine/kubectl`.
 *
 * @param what whose pods, or which, in words
 * @returns undefined where they are not known
 */
export function explainKubectl(what: string, stderr: string): Problem | undefined {
  // buildctl quotes them, ends of lines, too.
  const text = stderr.replaceAll('\\"', '"').replaceAll('\\n', '\n');
  for (const { pattern, says, hint, temporary } of WORDS) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const said = found.slice(1).find((group) => group !== undefined) ?? '';
    return problem('engine/kubectl', `${what}: ${says.replace('…', () => withoutOuterQuote(said))}`, {
      hint,
      ...(temporary === true ? { temporary } : {}),
    });
  }
  return undefined;
}

/** Of a text that buildctl quoted, the end is its quotation mark. */
function withoutOuterQuote(text: string): string {
  return text.split('"').length % 2 === 0 ? text.replace(/"$/, '') : text;
}

interface Words {
  readonly pattern: RegExp;
  /** `…`: what the group of the pattern found. */
  readonly says: string;
  readonly hint: string;
  readonly temporary?: true;
}

const WORDS: readonly Words[] = [
  {
    pattern: /executable file not found|exec: "kubectl"/,
    says: 'kubectl is not on PATH',
    hint: 'install kubectl, which buildctl and bake-ts reach pods through, and put it on PATH',
  },
  {
    pattern: /context "([^"]*)" does not exist|no context exists with the name: "([^"]*)"/,
    says: "kubectl's configuration has no context “…”",
    hint: 'kubectl config get-contexts lists those that there are; KUBECONFIG names another configuration',
  },
  {
    pattern: /\(Forbidden\)[\s\S]*?cannot ([^\n]+)/,
    says: 'the cluster does not permit it: this user cannot …',
    hint: 'engines in pods need a Role with `get` and `list` on pods, and `create` on pods/exec, in their namespace',
  },
  {
    pattern: /You must be logged in|\(Unauthorized\)/,
    says: 'the cluster does not know this user',
    hint: 'sign in as the cluster wants it; kubectl auth whoami shows who you are',
  },
  {
    pattern: /unable to upgrade connection: ([^\n]*)/,
    says: 'kubectl exec does not get into the pod: …',
    hint: 'kubectl describe pod shows how its containers are; kubectl exec -i POD -- buildctl dial-stdio says the same',
    temporary: true,
  },
  {
    pattern: /\(NotFound\): ([^\n]*)/,
    says: 'the cluster does not know it (any more): …',
    hint: 'kubectl get pods shows which there are',
    temporary: true,
  },
  {
    pattern: /\(BadRequest\): (?:.*unable to parse requirement: )?([^\n]*)/,
    says: 'the cluster does not understand the selector: …',
    hint: "write it as Kubernetes' selectors of labels are: app=buildkitd,tier!=test",
  },
  {
    pattern: /The connection to the server ([^\n]*)|Unable to connect to the server: ([^\n]*)/,
    says: 'the cluster cannot be reached: …',
    hint: 'kubectl get pods shows the same; look at KUBECONFIG, the context, and the network',
    temporary: true,
  },
];
