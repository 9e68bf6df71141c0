/** The source policy of a call as a fake engine reads it (buildkit sourcepolicy/), as far as bake-ts writes any. */
import { readFile } from 'node:fs/promises';

/** What rules of a policy make of an image: where its config is read, and what steps are based on. */
export interface FakePolicy {
  readonly config: (name: string) => string;
  readonly steps: (name: string) => string;
}

/** A rule that marks what it matches is for configs; one that wants no mark is for steps. Names go without their scheme. */
export async function readPolicy(file: string | undefined): Promise<FakePolicy> {
  if (file === undefined) return { config: (name) => name, steps: (name) => name };
  const { rules } = JSON.parse(await readFile(file, 'utf8')) as {
    readonly rules: readonly {
      readonly selector: { readonly identifier: string; readonly constraints?: readonly unknown[] };
      readonly updates: { readonly identifier: string };
    }[];
  };
  const bare = (identifier: string) => identifier.replace(/^docker-image:\/\//, '');
  const all = rules.map(({ selector, updates }) => ({
    from: bare(selector.identifier),
    to: bare(updates.identifier),
    isForSteps: selector.constraints !== undefined,
  }));
  const config = (name: string) =>
    all.find(({ from, isForSteps }) => from === name && !isForSteps)?.to ?? name;
  return {
    config,
    steps: (name) =>
      all.find(({ from, isForSteps }) => from === config(name) && isForSteps)?.to ?? config(name),
  };
}
