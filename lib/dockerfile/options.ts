/** The settings of a build that affect how its Dockerfile is read. */
import { type Build, unknownOptions } from '../model/mod.ts';
import type { InspectOptions } from './facts.ts';

/** The options that depend only on the build. */
export function optionsOf(
  build: Build,
): Pick<InspectOptions, 'args' | 'platforms' | 'target' | 'frontend' | 'unknownOptions'> {
  const { args, platforms, target, frontendImage } = build;
  return {
    args,
    platforms,
    unknownOptions: unknownOptions(build),
    ...(target === undefined ? {} : { target }),
    ...(frontendImage === undefined ? {} : { frontend: frontendImage.image }),
  };
}
