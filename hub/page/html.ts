/** Text that is HTML already: made by `html` only, so that nothing reaches a page unescaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Value = string | number | Html | null | undefined | false | readonly Value[];

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** What does not print, or turns the direction of what follows: a name must not be able to look like another one. */
const treacherous = /(?![\n\t])[\p{Cc}\u061C\u200B-\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]|\p{Cs}/gu;

/** Good between tags, and in an attribute within quotes. */
export const escaped = (text: string): string =>
  text.replaceAll(treacherous, '\uFFFD').replaceAll(/[&<>"']/g, (one) => entities[one] ?? '');

/** HTML with everything that is put into it escaped; lists are joined, and what is null, undefined or false is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.map((part, i) => part + (i < values.length ? textOf(values[i]) : '')).join(''));
}

function textOf(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(textOf).join('');
  return escaped(String(value));
}

/** One line of at most `max` characters. */
export function brief(text: string, max: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const letters = Array.from(line.slice(0, 2 * max + 2));
  return letters.length <= max ? line : `${letters.slice(0, max - 1).join('')}…`;
}
