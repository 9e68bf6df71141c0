/** A build with nothing in it, for tests that care about one or two of its properties. */
import type { Build } from '../../lib/model/mod.ts';
import { makeBuild as makeNamed } from '../rig/sets.ts';

/** Makes a build with a context of its own at `/context`; what is given replaces the empty defaults. */
export function makeBuild(parts: Partial<Build> = {}): Build {
  return {
    ...makeNamed('app'),
    context: { ref: { kind: 'local', path: '/context' }, written: '.' },
    dockerfile: { kind: 'file', path: '/context/Dockerfile', written: 'Dockerfile' },
    ...parts,
  };
}
