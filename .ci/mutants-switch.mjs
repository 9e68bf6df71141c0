/**
 * The switch in an instrumented file: tells whether a mutant is active, and records which are reached. The worker sets
 * it with functions; processes and threads of tests inherit it in the environment.
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

/** Activates one mutant; 0: none. */
export function activate(id) {
  active = id;
  process.env.BAKE_TS_MUTANT = String(id);
}

/** Records reached mutants from here on in a new set. */
export function note() {
  reached = new Set();
  return reached;
}
