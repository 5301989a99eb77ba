import type { Env } from '#shared/config/mod.ts';

export type Paint = 'plain' | 'coloured';

/** Colours for people only: never in a pipe, never when NO_COLOR has any value (https://no-color.org). */
export const paintFor = ({ env, terminal }: { readonly env: Env; readonly terminal: boolean }): Paint =>
  terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb' ? 'coloured' : 'plain';

const red = 31;
const green = 32;
const yellow = 33;
const colours: Readonly<Record<string, number>> = {
  Degraded: red,
  Failed: red,
  Disconnected: red,
  Warning: red,
  wrong: red,
  Unknown: yellow,
  NeverConnected: yellow,
  NotReceived: yellow,
  Progressing: yellow,
  Converging: yellow,
  Suspended: yellow,
  Paused: yellow,
  Healthy: green,
  Connected: green,
  Converged: green,
  Succeeded: green,
  ok: green,
};

/** The word that a cell is, in its colour; anything else as it is. The same words are there without colour. */
export function painted(cell: string, paint: Paint): string {
  // A mark behind the word, as in Healthy,Frozen, changes nothing of what it is.
  const word = cell.replace(/,(?:Frozen|Suspended)$/, '');
  const colour = paint === 'coloured' && Object.hasOwn(colours, word) ? colours[word] : undefined;
  return colour === undefined ? cell : `\u001B[${colour}m${cell}\u001B[0m`;
}
