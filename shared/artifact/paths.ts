import { ArtifactError, quoted } from './errors.ts';

export const pathMaxBytes = 1024;

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const forbidden = /[\u0000-\u001f\u007f\\]/;

/**
 * The one form of a path in an artifact: relative, `/` between segments, no empty, `.` or `..` segment, no control character, no backslash (a separator to
 * some readers and a letter to others). What has two readings is refused, not repaired.
 */
export function checkPath(path: string): string {
  const refuse = (why: string): never => {
    throw new ArtifactError('ENTRY_NAME', `entry ${quoted(path)}: ${why}`);
  };
  if (path === '') refuse('the name is empty');
  if (!path.isWellFormed()) refuse('the name is not Unicode');
  if (Buffer.byteLength(path) > pathMaxBytes) refuse(`the name is longer than ${pathMaxBytes} bytes`);
  if (forbidden.test(path)) refuse('the name holds a control character or a backslash');
  if (path.startsWith('/')) refuse('the name is absolute');
  for (const segment of path.split('/')) {
    if (segment === '..') refuse('the name climbs out of the archive');
    if (segment === '' || segment === '.') refuse('the name has an empty or "." segment');
  }
  return path;
}

/** Order of bytes, not of UTF-16 units nor of a locale: the same everywhere. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
