/**
 * bake-ts as a library: read builds, plan them, run the plan.
 *
 * ```ts
 * import { bake, preparePlan, readBuilds } from 'bake-ts';
 *
 * const cwd = process.cwd();
 * const read = await readBuilds({ cwd, env: process.env });
 * if (!read.ok) throw new Error(read.error.map((one) => one.message).join('\n'));
 * const prepared = preparePlan(read.value.set, { patterns: ['api'] }, cwd);
 * if (!prepared.ok) throw new Error(prepared.error.map((one) => one.message).join('\n'));
 * const summary = await bake({ ...prepared.value, env: process.env, onEvent: (event) => console.log(event.type) });
 * ```
 *
 * @module
 */
export {
  type BuildDefinition,
  type BuildsDefinition,
  type BuildsModule,
  buildsSchema,
  defineBuilds,
  type ModuleContext,
  printBuilds,
  type ReadBuildsOptions,
  type ReadBuildsValue,
  readBuilds,
} from './config/mod.ts';
export { downEngine, engineStatus, findEngine, installEngine, upEngine } from './engine/mod.ts';
export type * from './model/mod.ts';
export { describePlan, type PlanDocument, type Selection } from './plan/mod.ts';
export { type PreparedPlan, preparePlan } from './prepare/mod.ts';
export {
  type Destination,
  type PassedOver,
  type PromotedTag,
  type PromoteOptions,
  type Promotion,
  promote,
  readDestinations,
} from './promote/mod.ts';
export { createRegistryClient, type RegistryClient, type RegistryClientOptions } from './registry/mod.ts';
export { createReporter, formatProblems } from './report/mod.ts';
export { type Audit, type BakeOptions, bake } from './run/mod.ts';
export { type AuditRequest, createAudit } from './verify/mod.ts';
