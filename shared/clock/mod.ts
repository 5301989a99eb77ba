// Time, handed in. Nothing else in the product reads a clock or sets a timer, so the simulator can run a week in a second.
export type { Clock, Cancel } from './clock.ts';
export { letOthersRun, systemClock, systemRandom } from './system.ts';
export { VirtualClock, seededRandom } from './virtual.ts';
