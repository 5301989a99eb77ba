// The command `wheelhouse`: a person's way to a hub, through its HTTP API and nothing else.
export { exits, type Exit } from './exits.ts';
export type { Io } from './io.ts';
export { run } from './run.ts';
