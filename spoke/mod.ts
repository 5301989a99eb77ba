// A spoke as a part of another program: what main.ts does, without the process around it.
export { runSpoke, type SpokeParts } from './spoke.ts';
