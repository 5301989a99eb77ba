/** `good` and `bad` are what somebody looks for in many lines; `quiet` is what may be passed over. */
export type Tone = 'plain' | 'good' | 'bad' | 'quiet';

/** Something that happened: a word for its kind, and what. */
export interface Line {
  readonly word: string;
  readonly text: string;
  readonly tone?: Tone;
}

export interface Look {
  readonly colours: boolean;
  /** Of the terminal; Infinity: what reads it wraps for itself, or is no person. */
  readonly columns: number;
}

const timeWidth = 6;
const wordWidth = 10;
const indent = ' '.repeat(timeWidth + 2 + wordWidth);
const codes: Readonly<Record<Tone | 'strong', string>> = { plain: '', good: '32', bad: '31', quiet: '2', strong: '1' };

export const painted = (text: string, tone: Tone | 'strong', { colours }: Look): string =>
  colours && codes[tone] ? `\u001B[${codes[tone]}m${text}\u001B[0m` : text;

/** One line for a person, with the seconds since the start; long ones go on below their own beginning. Pure. */
export function lineText({ word, text, tone = 'plain' }: Line, seconds: number, look: Look): string {
  const [first = '', ...more] = wrapped(text, Math.max(40, look.columns - indent.length));
  const head = `${painted(seconds.toFixed(1).padStart(timeWidth), 'quiet', look)}  ${painted(word.padEnd(wordWidth), tone, look)}`;
  return [`${head}${first}`, ...more.map((part) => indent + part)].join('\n');
}

/** Parts of at most that many characters, broken between words; a word that is longer stays whole, so that it can be copied. */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
