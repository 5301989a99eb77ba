/** One thing to type, and what one sees then. */
export interface Stop {
  /** Lines for a POSIX shell. */
  readonly commands: readonly string[];
  /** It only looks, and may have to be typed again until it shows what is said. */
  readonly isLook: boolean;
  /** Lines that appear in this order, with `…` for what differs each time. */
  readonly sees: readonly string[];
}

export interface Step {
  readonly title: string;
  readonly stops: readonly Stop[];
}

const fence = /^```(\w+) tour( look)?$/;

/**
 * The steps of a README: each heading of the third level with the blocks below it that are fenced as "sh tour" (or "sh tour look") and "text tour". Pure.
 * Throws an Error for a block that belongs nowhere, so that nothing is left out by a slip.
 */
export function stepsOf(markdown: string): readonly Step[] {
  const steps: { title: string; stops: { commands: string[]; isLook: boolean; sees: string[] }[] }[] = [];
  let into: string[] | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (into && line === '```') into = undefined;
    else if (into) into.push(line);
    else if (line.startsWith('### ')) steps.push({ title: line.slice(4), stops: [] });
    else if (line.startsWith('## ')) steps.push({ title: '', stops: [] });
    else {
      const [, language, look] = fence.exec(line) ?? [];
      if (language === undefined) continue;
      const stops = steps.at(-1)?.stops;
      if (language === 'sh') stops?.push({ commands: (into = []), isLook: look !== undefined, sees: [] });
      else into = stops?.at(-1)?.sees;
      if (!into || into.length > 0) throw new Error(`line ${index + 1}: ${line} belongs to nothing`);
    }
  }
  return steps.filter(({ stops }) => stops.length > 0);
}
