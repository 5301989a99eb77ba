import type { Step } from './steps.ts';

/** What to type, as it fits below the summary of a fleet; `fleet` is what `.fleet` is called here. Pure. */
export function tourLines(steps: readonly Step[], fleet: string, strong: (text: string) => string): readonly string[] {
  return steps.flatMap(({ title, stops }) => [
    '',
    strong(title),
    ...stops.flatMap(({ commands }) => commands.map((command) => `  ${command.replaceAll(/(?<=^|\s)\.fleet(?=\/)/g, fleet)}`)),
  ]);
}
