/** Explains error messages of kubectl. */
import { type Problem, problem } from '../model/mod.ts';

/**
 * Explains kubectl's error output, printed by kubectl itself or quoted by buildctl. Problem: `engine/kubectl`.
 *
 * @param what the pods, as text
 * @returns undefined for an unknown message
 */
export function explainKubectl(what: string, stderr: string): Problem | undefined {
  // buildctl quotes the output, including line breaks.
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

/** Removes buildctl's closing quotation mark. */
function withoutOuterQuote(text: string): string {
  return text.split('"').length % 2 === 0 ? text.replace(/"$/, '') : text;
}

interface Words {
  readonly pattern: RegExp;
  /** `…` is replaced by the pattern's group. */
  readonly says: string;
  readonly hint: string;
  readonly temporary?: true;
}

const WORDS: readonly Words[] = [
  {
    pattern: /executable file not found|exec: "kubectl"/,
    says: 'kubectl is not on PATH',
    hint: 'install kubectl and put it on PATH; buildctl and bake-ts reach pods through it',
  },
  {
    pattern: /context "([^"]*)" does not exist|no context exists with the name: "([^"]*)"/,
    says: "kubectl's configuration has no context “…”",
    hint: 'list the contexts with kubectl config get-contexts, or set KUBECONFIG to another configuration',
  },
  {
    pattern: /\(Forbidden\)[\s\S]*?cannot ([^\n]+)/,
    says: 'the cluster does not permit it: this user cannot …',
    hint: 'grant this user a Role with `get` and `list` on pods and `create` on pods/exec in the namespace',
  },
  {
    pattern: /You must be logged in|\(Unauthorized\)/,
    says: 'the cluster does not accept the credentials of this user',
    hint: 'sign in to the cluster; kubectl auth whoami shows the current user',
  },
  {
    pattern: /unable to upgrade connection: ([^\n]*)/,
    says: 'kubectl exec cannot enter the pod: …',
    hint: 'check its containers with kubectl describe pod; reproduce it with kubectl exec -i POD -- buildctl dial-stdio',
    temporary: true,
  },
  {
    pattern: /\(NotFound\): ([^\n]*)/,
    says: 'the cluster does not find it: …',
    hint: 'list the pods with kubectl get pods',
    temporary: true,
  },
  {
    pattern: /\(BadRequest\): (?:.*unable to parse requirement: )?([^\n]*)/,
    says: 'the cluster rejects the selector: …',
    hint: 'write it as a Kubernetes label selector: app=buildkitd,tier!=test',
  },
  {
    pattern: /The connection to the server ([^\n]*)|Unable to connect to the server: ([^\n]*)/,
    says: 'the cluster cannot be reached: …',
    hint: 'check KUBECONFIG, the context and the network; reproduce it with kubectl get pods',
    temporary: true,
  },
];
