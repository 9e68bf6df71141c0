/** Promoting: the tags of a plan at other registries or repositories, by digest, all or none. */

export type { Brought } from './bring.ts';
export type { PassedOver } from './choose.ts';
export { type Destination, readDestinations } from './destination.ts';
export { type PromotedTag, type PromoteOptions, type Promotion, promote } from './promote.ts';
