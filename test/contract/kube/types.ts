// The format of a case: one JSON file at cases/<area>/<name>.json. README.md says what each part means.

export interface Case {
  /** What a spoke or a person relies on, in one sentence. */
  readonly about: string;
  /** Paths that are neither recorded nor compared, beside those of the area. */
  readonly ignore?: readonly string[];
  readonly steps: readonly Step[];
}

/** cases/<area>/area.json */
export interface Area {
  readonly about: string;
  readonly ignore?: readonly string[];
}

export type Step = RequestStep | EventsStep;

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Absent: application/json. */
  readonly accept?: string;
  /** Absent: application/json when there is a body. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A document, or a text that is sent as it is. */
  readonly body?: unknown;
}

export interface RequestStep {
  readonly request: Request;
  /** Only what is at these paths is recorded and compared; []: only status and headers. */
  readonly pick?: readonly string[];
  /** Ask again until the answer is the recorded one. `until` (path: value) is what the recording waits for. */
  readonly eventually?: { readonly withinMs: number; readonly until: Readonly<Record<string, unknown>> };
  /** The answer is a stream of watch events, kept open under this name for the steps that follow. */
  readonly watch?: string;
  readonly expect: Expected;
}

export interface Expected {
  readonly status: number;
  /** Those of `kept` in http.ts that the answer had. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A document, or the text of an answer that is not JSON; with `pick`, an object of path: value. */
  readonly body?: unknown;
}

/** The next events of an open watch. */
export interface EventsStep {
  readonly events: string;
  /** How many, or all until the server ends the stream. */
  readonly take: number | 'end';
  /** Bookmarks are left out unless this is set; then any number of them in a row counts as one. */
  readonly bookmarks?: boolean;
  readonly pick?: readonly string[];
  readonly expect: { readonly events: readonly WatchEvent[] };
}

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** A Kubernetes API server, and who asks it. PEM texts. */
export interface Target {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
}

export interface CaseResult {
  /** "<area>/<name>" */
  readonly name: string;
  /** `stale`: it is listed as not covered, and passes. */
  readonly outcome: 'passed' | 'failed' | 'not covered' | 'stale';
  /** Why it is not covered, as the list says. */
  readonly reason?: string;
  /** The step that went otherwise and each difference, a line each; of a stale one, what to do. */
  readonly differences?: readonly string[];
  readonly durationMs: number;
}
