const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Spaces only set columns apart, and these are as wide as what is in them. */
const patternOf = (line: string): RegExp => {
  const words = line.trim().split(/\s+/);
  return new RegExp(words.map((word) => word.split('…').map(escaped).join('.*')).join('\\s+'));
};

/** The first line that one should see and does not, after the ones before it; undefined: all are there. Pure. */
export function missingLine(sees: readonly string[], output: string): string | undefined {
  const lines = output.split('\n').values();
  for (const line of sees.filter((one) => one.trim() !== '' && one.trim() !== '…')) {
    const pattern = patternOf(line);
    let found = false;
    for (const said of lines) if ((found = pattern.test(said))) break;
    if (!found) return line;
  }
  return undefined;
}
