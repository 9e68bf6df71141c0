/**
 * Registries that are down when a run starts: builds that push there are not built, and this is reported at once instead of after
 * minutes of building. Other builds run.
 */
import {
  type ImageRef,
  type Plan,
  type PlanNode,
  type Problem,
  problem,
  problemToJson,
} from '../model/mod.ts';
import type { RegistryClient } from '../registry/mod.ts';
import type { Emit } from './emitter.ts';
import { wantedTags } from './publish.ts';

/** Problems that mean that a registry is down, and not only that it refuses something. */
const DOWN: ReadonlySet<string> = new Set([
  'registry/timeout',
  'registry/tls',
  'registry/unavailable',
  'registry/unreachable',
]);
const NAMES_SHOWN = 20;

/** Knows which of the registries that a plan pushes to are down. */
export class DownRegistries {
  readonly #registry: Pick<RegistryClient, 'head' | 'ping'>;
  readonly #plan: Plan;
  readonly #emit: Emit;
  readonly #hosts = new Map<string, Promise<Problem | undefined>>();

  constructor(registry: Pick<RegistryClient, 'head' | 'ping'>, plan: Plan, emit: Emit) {
    this.#registry = registry;
    this.#plan = plan;
    this.#emit = emit;
  }

  /** Why a build cannot be pushed now; undefined if no reason is known. */
  async whyNotPushed(node: PlanNode): Promise<Problem | undefined> {
    if (!node.pushes) return undefined;
    const hosts = new Set(wantedTags(node).map(({ registry }) => registry));
    const found = await Promise.all([...hosts].map((host) => this.#stateOf(host)));
    const down = found.find((one) => one !== undefined);
    return down === undefined ? undefined : { ...down, build: node.build.name };
  }

  #stateOf(host: string): Promise<Problem | undefined> {
    const known = this.#hosts.get(host) ?? this.#ask(host);
    this.#hosts.set(host, known);
    return known;
  }

  async #ask(host: string): Promise<Problem | undefined> {
    const nodes = [...this.#plan.nodes.values()].filter(
      (node) => node.pushes && wantedTags(node).some(({ registry }) => registry === host),
    );
    const [first, ...others] = nodes.flatMap(wantedTags).filter(({ registry }) => registry === host);
    const why = first === undefined ? undefined : await this.#whyDown(first);
    // Usually the first request is answered, and the others need not be awaited.
    if (why === undefined) return undefined;
    const whys = await Promise.all(others.map((ref) => this.#whyDown(ref)));
    if (whys.includes(undefined)) return undefined;
    // A single tag may have its own problem.
    if (others.length === 0 && !(await this.#isBaseDown(host))) return undefined;
    const names = nodes.map(({ build }) => build.name);
    const shown = names.slice(0, NAMES_SHOWN).join(', ');
    const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
    this.#emit({
      type: 'warning',
      problem: problemToJson(
        problem('run/registry-down', `${host} is down; builds that push to it are not run: ${shown}${more}`, {
          severity: 'warning',
          detail: why.message,
          hint: 'Run again when the registry answers. Other builds are not affected.',
        }),
      ),
    });
    return why;
  }

  async #whyDown(ref: ImageRef): Promise<Problem | undefined> {
    const presence = await this.#registry.head(ref);
    return presence.kind === 'unknown' && DOWN.has(presence.problem.code) ? presence.problem : undefined;
  }

  async #isBaseDown(host: string): Promise<boolean> {
    const answer = await this.#registry.ping(host);
    return !answer.ok && answer.error.every(({ code }) => DOWN.has(code));
  }
}
