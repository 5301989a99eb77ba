import type { z } from 'zod';
import type { Caller } from '../auth/tokens.ts';
import type { Moment } from '../kinds/moments.ts';
import type { Scope } from '../auth/scopes.ts';

/** What an operation is given: everything has been read by its schemas, and the caller may do this. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** user:<name>, as the audit log has it. */
  readonly actor: string;
  /** The token that it was asked with; undefined: nobody showed one. */
  readonly caller: Caller | undefined;
  /** Lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The caller has gone. */
  readonly signal: AbortSignal;
  /** What it is asked about together with other questions; undefined: now. */
  readonly moment?: Moment;
}

/** An answer that is not a document but a stream of events. */
export interface Streamed {
  readonly stream: AsyncIterable<string>;
}

export const isStreamed = (answer: unknown): answer is Streamed => typeof answer === 'object' && answer !== null && 'stream' in answer;

/** One thing that can be asked: the source of a route, of its documentation, and of the test that it is called. */
export interface Operation {
  /** Of the OpenAPI document; unique. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/v1alpha1/clusters/{name}` */
  readonly path: string;
  /** none: open to whoever reaches the port. */
  readonly scope: Scope | 'none';
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** `set`: resources as YAML or JSON text. */
  readonly body?: z.ZodType | 'set';
  readonly answer: z.ZodType;
  /** A collection: answers a stream of events as well. */
  readonly watchable?: boolean;
  /** Changes something: takes Idempotency-Key. */
  readonly changes?: boolean;
  /** Takes If-Match. */
  readonly conditional?: boolean;
  readonly handle: (asked: Asked) => Promise<unknown>;
}
