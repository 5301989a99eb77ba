// What the spoke says to the hub: reports, beats, refusals.
export { Link, type LinkOptions } from './link.ts';
export { ReportSet } from './report-set.ts';
