import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { differences, without } from './compare.ts';
import { Events, type Answer, type Sender } from './http.ts';
import { placeAt } from './paths.ts';
import { Bindings } from './placeholders.ts';
import type { Case, EventsStep, Expected, Request, RequestStep, Step, WatchEvent } from './types.ts';

const eventMaxMs = 20_000;
const endMaxMs = 60_000;
const pollMs = 100;

/** A step went otherwise than recorded; a line for each difference. */
export class StepError extends Error {
  readonly lines: readonly string[];
  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** Plays a case against what was recorded. Throws StepError. */
export const check = async (server: Sender, subject: Case, options: PlayOptions): Promise<void> => {
  await new Play(server, subject, options).run(false);
};

/** Plays a case and returns it with the answers of now. */
export const record = async (server: Sender, subject: Case, options: PlayOptions): Promise<Case> =>
  await new Play(server, subject, options).run(true);

export interface PlayOptions {
  /** What the area and the case leave out. */
  readonly ignore: readonly string[];
  /** Takes the path of each thing that the case makes outside its namespace, and of that. */
  readonly onMade?: (path: string) => void;
  /** The longest wait for what comes true by itself and for an event, whatever the case allows. */
  readonly waitMaxMs?: number;
}

class Play {
  readonly #server: Sender;
  readonly #case: Case;
  readonly #options: PlayOptions;
  #bindings: Bindings;
  readonly #watches = new Map<string, Events>();

  constructor(server: Sender, subject: Case, options: PlayOptions) {
    this.#server = server;
    this.#case = subject;
    this.#options = options;
    this.#bindings = new Bindings([
      ['ns', `ns-${letters(10)}`],
      ['id', `x${letters(9)}`],
    ]);
  }

  #bounded(ms: number): number {
    return Math.min(ms, this.#options.waitMaxMs ?? ms);
  }

  async run(recording: boolean): Promise<Case> {
    try {
      await this.#namespace();
      const steps: Step[] = [];
      for (const [index, step] of this.#case.steps.entries()) {
        try {
          steps.push('events' in step ? await this.#events(step, recording) : await this.#request(step, recording));
        } catch (error) {
          throw new StepError([`step ${index + 1}, ${titleOf(step)}`, ...linesOf(error)]);
        }
      }
      return { ...this.#case, steps };
    } finally {
      for (const watch of this.#watches.values()) watch[Symbol.dispose]();
    }
  }

  /** A case that speaks of {ns} finds it made. */
  async #namespace(): Promise<void> {
    if (!JSON.stringify(this.#case.steps).includes('{ns}')) return;
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{ns}' } };
    const { status } = await this.#send({ method: 'POST', path: '/api/v1/namespaces', body });
    if (status !== 201) throw new StepError([`the namespace of the case could not be made: HTTP ${status}`]);
  }

  async #send(request: Request, stream = false): Promise<Answer> {
    const filled = this.#bindings.filled(request);
    const answer = await this.#server.send(filled, { stream });
    if (answer.status === 201 && !filled.path.includes('/namespaces/') && filled.query?.['dryRun'] === undefined)
      this.#options.onMade?.(
        filled.method === 'POST' ? `${filled.path}/${String(placeAt(answer.body, 'metadata.name').value)}` : filled.path,
      );
    return answer;
  }

  async #request(step: RequestStep, recording: boolean): Promise<RequestStep> {
    const deadline = performance.now() + this.#bounded(step.eventually?.withinMs ?? 0);
    for (;;) {
      const answer = await this.#send(step.request, step.watch !== undefined);
      const seen = { ...answer, body: without(answer.body, this.#options.ignore) };
      const waiting = this.#waiting(step, answer.body);
      // Each try starts from what was bound before it.
      const bindings = this.#bindings.copy();
      const found = recording ? waiting : [...waiting, ...compare(step, seen, bindings)];
      if (found.length === 0) {
        this.#bindings = bindings;
        if (answer.stream) this.#watches.set(step.watch ?? '', new Events(answer.stream));
        return recording ? { ...step, expect: expectOf(step, seen, bindings) } : step;
      }
      answer.stream?.destroy();
      if (performance.now() > deadline) throw new StepError(found);
      await sleep(pollMs);
    }
  }

  #waiting(step: RequestStep, body: unknown): readonly string[] {
    return Object.entries(step.eventually?.until ?? {}).flatMap(([path, wanted]) => {
      const { value } = placeAt(body, this.#bindings.filled(path));
      const is = JSON.stringify(value ?? null) === JSON.stringify(this.#bindings.filled(wanted));
      return is ? [] : [`waiting for ${path} = ${JSON.stringify(wanted)}, it is ${JSON.stringify(value)}`];
    });
  }

  async #events(step: EventsStep, recording: boolean): Promise<EventsStep> {
    const watch = this.#watches.get(step.events);
    if (!watch) throw new StepError([`there is no open watch ${step.events}`]);
    const seen: WatchEvent[] = [];
    while (step.take === 'end' || seen.length < step.take) {
      const event = await watch.next(this.#bounded(step.take === 'end' ? endMaxMs : eventMaxMs)).catch((error: unknown) => {
        throw new StepError([String(error), `seen before: ${JSON.stringify(seen)}`]);
      });
      if (event === undefined && step.take === 'end') break;
      if (event === undefined) throw new StepError(['the server ended the watch', `seen before: ${JSON.stringify(seen)}`]);
      if (event.type === 'BOOKMARK' && (!step.bookmarks || seen.at(-1)?.type === 'BOOKMARK')) continue;
      seen.push({ type: event.type, object: without(event.object, this.#options.ignore) });
    }
    if (!recording) {
      const actual = seen.map(({ type, object }) => ({ type, object: picked(step, object, this.#bindings) }));
      const found = differences(step.expect.events, actual, this.#bindings, 'events');
      if (found.length > 0) throw new StepError(found);
      return step;
    }
    return { ...step, expect: { events: seen.map(({ type, object }) => ({ type, object: recorded(step, object, this.#bindings) })) } };
  }
}

function compare(step: RequestStep, seen: Answer, bindings: Bindings): readonly string[] {
  const { status, headers, body } = step.expect;
  const actual = seen.stream ? undefined : picked(step, seen.body, bindings);
  if (status !== seen.status) return [`status: expected ${status}, got ${seen.status}`, ...said(seen.body)];
  const bodies = body === undefined && actual === undefined ? [] : differences(body, actual, bindings, 'body');
  return [...differences(headers ?? {}, seen.headers, bindings, 'headers'), ...bodies];
}

/** What the server said when it should have said something else. */
const said = (body: unknown): readonly string[] => (body === undefined ? [] : [`it said: ${JSON.stringify(body).slice(0, 600)}`]);

function expectOf(step: RequestStep, seen: Answer, bindings: Bindings): Expected {
  const headers = bindings.record(seen.headers) as Record<string, string>;
  const body = seen.stream ? undefined : recorded(step, seen.body, bindings);
  return { status: seen.status, ...(Object.keys(headers).length > 0 ? { headers } : {}), ...(body === undefined ? {} : { body }) };
}

/** What a step asserts of a document; undefined: nothing. */
function picked({ pick }: Pick<Step, 'pick'>, document: unknown, bindings: Bindings): unknown {
  if (!pick) return document;
  if (pick.length === 0) return undefined;
  return Object.fromEntries(bindings.filled(pick).map((path) => [path, placeAt(document, path).value ?? null]));
}

function recorded({ pick }: Pick<Step, 'pick'>, document: unknown, bindings: Bindings): unknown {
  if (!pick) return bindings.record(document);
  if (pick.length === 0) return undefined;
  const entries = pick.map((path) => {
    const { value, key, parent } = placeAt(document, bindings.filled(path));
    return [path, bindings.record(value ?? null, key, parent)];
  });
  return Object.fromEntries(entries);
}

const titleOf = (step: Step): string =>
  'events' in step ? `events of ${step.events}` : `${step.request.method} ${step.request.path}${queryOf(step.request)}`;
const queryOf = ({ query }: Request): string =>
  query
    ? `?${Object.entries(query)
        .map((entry) => entry.join('='))
        .join('&')}`
    : '';

function linesOf(error: unknown): readonly string[] {
  if (error instanceof StepError) return error.lines;
  return [error instanceof Error ? error.message : String(error)];
}

const letters = (count: number): string => Array.from(randomBytes(count), (byte) => 'bcdfghjklmnpqrstvwxz'[byte % 20]).join('');
