import { painted, type Paint } from './colours.ts';

/** Columns separated by three spaces, as kubectl has them; nothing behind the last one. */
export interface Table {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const gap = 3;

/** In characters, as far as a terminal shows one for each code point. */
const lengthOf = (cell: string): number => Array.from(cell).length;

/** Without what a terminal would obey: much of what is shown was written by somebody in a cluster or a repository. */
export const tame = (text: string): string => text.replaceAll(/(?![\n\t])\p{Cc}/gu, '\uFFFD');

/** How wide each column is; later rows of a watch are set to the same, so that they line up with what was printed before. */
export const widthsOf = ({ titles, rows }: Table): readonly number[] =>
  titles.map((title, i) => Math.max(title.length, ...rows.map((row) => lengthOf(row[i] ?? ''))));

/** Less than that of the last column is left: then the line is not clipped but wrapped, as the terminal likes it. */
const roomMin = 20;

/** What fits into so many columns. */
export const clipped = (text: string, room: number | undefined): string =>
  room === undefined || lengthOf(text) <= room
    ? text
    : `${Array.from(text)
        .slice(0, Math.max(0, room - 1))
        .join('')}…`;

/** `width` is that of a terminal: the last cell, which is a message mostly, ends at its edge. */
export function rowLine(cells: readonly string[], widths: readonly number[], paint: Paint, width?: number): string {
  const last = cells.length - 1;
  const used = widths.slice(0, last).reduce((sum, one) => sum + one + gap, 0);
  const room = width === undefined || width - used < roomMin ? undefined : width - used;
  return cells
    .map((cell, i) => (i === last ? clipped(tame(cell), room) : tame(cell)))
    .map((cell, i) => {
      const space = i === last ? 0 : Math.max(0, (widths[i] ?? 0) - lengthOf(cell)) + gap;
      return painted(cell, paint) + ' '.repeat(space);
    })
    .join('')
    .trimEnd();
}

export function tableLines(
  table: Table,
  { headers = true, paint, width }: { readonly headers?: boolean; readonly paint: Paint; readonly width?: number | undefined },
): readonly string[] {
  const widths = widthsOf(table);
  const rows = table.rows.map((row) => rowLine(row, widths, paint, width));
  return headers ? [rowLine(table.titles, widths, 'plain'), ...rows] : rows;
}

/** What a table says when there is nothing: never an empty cell, which a script would take for a shifted column. */
export const orNone = (text: string | null | undefined): string => (text === null || text === undefined || text === '' ? '<none>' : text);

const longMax = 80;

/** One line of text for a cell. */
export function brief(text: string | null | undefined, max = longMax): string {
  const line = orNone(
    tame(text ?? '')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}

/** The name of `Name <address>`: whom to ask, short enough for a cell. */
export const personOf = (author: string | null | undefined): string => orNone((author ?? '').replace(/\s*<[^<>]*>\s*$/, '') || author);

/** `Reason: message`, the reason once. */
export const whyText = (reason: string, message: string, max?: number): string =>
  message === '' || message === reason
    ? reason
    : message.startsWith(`${reason}: `)
      ? brief(message, max)
      : `${reason}: ${brief(message, max)}`;
