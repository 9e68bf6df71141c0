/**
 * The switch of an instrumented file: says whether a mutant is active, and notes which are reached. The worker sets it
 * by functions; processes and threads that a test starts get the same by the environment.
 */
import { appendFileSync } from 'node:fs';

let active = Number(process.env.BAKE_TS_MUTANT ?? 0);
/** @type {Set<number> | undefined} */
let reached = process.env.BAKE_TS_MUTANTS_REACHED === undefined ? undefined : new Set();

/** Whether the mutant is the active one. */
export function mutant(id) {
  if (reached !== undefined && !reached.has(id)) {
    reached.add(id);
    if (process.env.BAKE_TS_MUTANTS_REACHED !== undefined)
      appendFileSync(process.env.BAKE_TS_MUTANTS_REACHED, `${id}\n`);
  }
  return id === active;
}

/** Makes one mutant the active one; 0: none. */
export function activate(id) {
  active = id;
  process.env.BAKE_TS_MUTANT = String(id);
}

/** Notes what is reached from here on, in a set of its own. */
export function note() {
  reached = new Set();
  return reached;
}
