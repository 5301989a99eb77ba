import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const tailBytesMax = 4_096;

/** The end of a log file, for an error message; '' when there is none. */
export function lastLines(path: string, linesMax = 12): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, tailBytesMax));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').trimEnd().split('\n').slice(-linesMax).join('\n');
  } finally {
    closeSync(file);
  }
}
