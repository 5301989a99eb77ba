// What the spoke says to the hub: reports, beats, refusals, and answers to commands.
export { obey, type Obeyed } from './commands.ts';
export { Link, type LinkOptions } from './link.ts';
export { ReportSet } from './report-set.ts';
