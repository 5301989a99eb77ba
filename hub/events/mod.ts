// Events: what was observed of clusters and placements, told once, counted when it comes again.
export { eventLimits, type Happening } from './model.ts';
export { EventService, type EventOptions } from './service.ts';
