/** Calling buildctl for one node, linked to the results that it reads; what turns out to be lost of them is made again. */
import type { BuildOutput, Link } from '../buildctl/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import { type Build, ok, type PlanNode, type Problem } from '../model/mod.ts';
import { type Called, callUntilDone } from './buildctl-calls.ts';
import type { Building } from './context.ts';
import { layersOnlyFault, mayUseLayersOnly } from './layers-only.ts';
import { linkParents } from './links.ts';

/** What is to come of a node. */
export interface Wanted {
  /** The node's own build, or that with less to do. */
  readonly build: Build;
  readonly outputsIn: (workDir: string) => readonly BuildOutput[];
}

/**
 * Calls buildctl for a node, linked to what it reads; what an attempt found to be lost is made again. The directory of
 * the attempt is the caller's to remove.
 */
export function callLinked(
  building: Building,
  node: PlanNode,
  inputs: NodeInputs,
  { build, outputsIn }: Wanted,
): Promise<Called> {
  let parentsLost = false;
  let layersLost = false;
  let isPlain = !mayUseLayersOnly(build, inputs);
  return callUntilDone(building.calling, {
    node,
    inputs,
    prepare: async () => {
      const links = await linkParents(building, {
        node,
        rebuildUnconfirmed: parentsLost,
        mayUseLayersOnly: !isPlain,
      });
      if (!links.ok) return links;
      const workDir = building.calling.newWorkDir();
      return ok({ build, links: links.value, outputs: outputsIn(workDir), workDir });
    },
    mend: (failure, { links }) => {
      const fault = layersOnlyFault(failure, links);
      if (fault === 'not-split') {
        building.layersOnly.turnOff(failure);
        return failure.message;
      }
      if (fault === 'lost') {
        building.layersOnly.forget(links);
        // Put again and gone again: this build goes without.
        isPlain = layersLost;
        layersLost = true;
        return failure.message;
      }
      if (parentsLost || !isParentLost(building, failure, links)) return undefined;
      parentsLost = true;
      // What the same engine made of the parent may be gone, too.
      building.layersOnly.forget(links);
      return 'the engine lost the image of a parent';
    },
  });
}

/** Whether a build failed over a parent that is gone from where this run put it. */
function isParentLost({ scratch }: Building, failure: Problem, links: readonly Link[]): boolean {
  if (failure.code === 'build/parent-lost') return true;
  // Gone for the frontend, which looks up its config, or for the steps.
  return (
    (failure.code === 'build/image-lost' || failure.code === 'build/base-missing') &&
    links.some(
      (link) =>
        link.kind === 'image' &&
        scratch?.has({ kind: 'registry', ref: link.ref }) === true &&
        failure.message.includes(link.ref.digest),
    )
  );
}
