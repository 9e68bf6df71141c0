/** Calls buildctl for one node, linked to the results that it reads. Lost results are rebuilt. */
import type { BuildOutput, Link } from '../buildctl/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import { type Build, ok, type PlanNode, type Problem } from '../model/mod.ts';
import { type Called, callUntilDone } from './buildctl-calls.ts';
import type { Building } from './context.ts';
import { layersOnlyFault, mayUseLayersOnly } from './layers-only.ts';
import { linkParents } from './links.ts';

/** What to build for a node. */
export interface Wanted {
  /** The node's build, possibly reduced. */
  readonly build: Build;
  readonly outputsIn: (workDir: string) => readonly BuildOutput[];
}

/**
 * Calls buildctl for a node, linked to what it reads. Results that an attempt found to be lost are rebuilt. The caller removes
 * the directory of the attempt.
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
        // If it was created again and is gone again, this build does without.
        isPlain = layersLost;
        layersLost = true;
        return failure.message;
      }
      if (parentsLost || !isParentLost(building, failure, links)) return undefined;
      parentsLost = true;
      // Layers-only images in the same engine may be gone, too.
      building.layersOnly.forget(links);
      return 'the engine lost the image of a parent';
    },
  });
}

/** Whether a build failed because a parent is gone from where this run put it. */
function isParentLost({ scratch }: Building, failure: Problem, links: readonly Link[]): boolean {
  if (failure.code === 'build/parent-lost') return true;
  // The frontend, which looks up the config, or a step did not find it.
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
