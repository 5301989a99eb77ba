import { pino } from 'pino';
import { explain } from '../kernel/mod.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Constant messages, variable fields: a log line is searched for by its message. Never a secret in either. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  child(fields: Fields): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const secrets = ['token', 'seed', 'jwt', 'privateKey', 'password', 'authorization'].flatMap((name) => [name, `*.${name}`]);

/** JSON lines on stderr (stdout belongs to data). Errors are written as code, message and causes, without stacks of foreign libraries. */
export function createLog(name: string, level: LogLevel = 'info'): Log {
  const destination = pino.destination({ dest: 2, sync: true });
  return wrap(
    pino(
      { name, level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: secrets, censor: '[secret]' } },
      destination,
    ),
  );
}

/** For tests, and for code that must not speak. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLog };

interface Inner {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Inner;
}

function wrap(inner: Inner): Log {
  return {
    debug: (message, fields) => inner.debug(plain(fields), message),
    info: (message, fields) => inner.info(plain(fields), message),
    warn: (message, fields) => inner.warn(plain(fields), message),
    error: (message, fields) => inner.error(plain(fields), message),
    child: (fields) => wrap(inner.child(plain(fields))),
  };
}

const plain = (fields: Fields = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? explain(value) : value]));
