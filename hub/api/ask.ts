import { includes } from './auth/scopes.ts';
import { ApiError } from './problems/errors.ts';
import type { Moment } from './kinds/moments.ts';
import type { Asked, Operation } from './operations/operation.ts';

/** What a GET of this path and query would be answered with: the same checks, the same handler. Rejects with ApiError. */
export type Ask = (target: string) => Promise<unknown>;

/** The ways to ask in this process. */
export interface Asking {
  readonly ask: Ask;
  /** Asks several questions about one and the same moment, at less than they cost one by one. `atMs`: the hub's monotonic clock just before that moment. */
  readonly together: <T>(look: (ask: Ask, atMs: number) => Promise<T>) => Promise<T>;
}

type Check = (operation: Operation, params: unknown, query: unknown) => Pick<Asked, 'params' | 'query'>;

/** Asks in this process, for those who have been let in already: what `read` shows, and no more. */
export function askOf(operations: readonly Operation[], check: Check, moment?: Moment): Ask {
  const readable = operations
    .filter(({ method, scope }) => method === 'GET' && (scope === 'none' || includes('read', scope)))
    .map((operation) => ({ operation, pattern: new RegExp(`^${operation.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`) }));
  return async (target) => {
    const { pathname, searchParams } = new URL(target, 'http://hub');
    for (const { operation, pattern } of readable) {
      const match = pattern.exec(pathname);
      if (!match) continue;
      const params = Object.fromEntries(Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]));
      const checked = check(operation, params, Object.fromEntries(searchParams));
      return operation.handle({
        ...checked,
        body: undefined,
        actor: 'system:page',
        caller: undefined,
        headers: {},
        signal: new AbortController().signal,
        ...(moment && { moment }),
      });
    }
    throw new ApiError('NOT_FOUND', `GET ${pathname.slice(0, 200)}: there is nothing here`);
  };
}
