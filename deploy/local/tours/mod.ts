// The tour of README.md as steps: what to type and what one sees. `npm start` prints it, a test walks it; its words are in README.md and nowhere else.
export { stepsOf, type Step, type Stop } from './steps.ts';
export { missingLine } from './seen.ts';
export { tourLines } from './print.ts';
