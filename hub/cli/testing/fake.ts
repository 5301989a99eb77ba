import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { VirtualClock, type Clock } from '#shared/clock/mod.ts';
import type { Io } from '../io.ts';
import { run } from '../run.ts';

/** One answer of a hub. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Answers to one request, in the order in which they came; the last one stays. */
export type Recording = Readonly<Record<string, readonly Answer[]>>;

/** A request as it is compared: method, path with query, and what was sent. */
export function keyOf(url: string, init: RequestInit): string {
  const { pathname, search } = new URL(url);
  const body = typeof init.body === 'string' ? ` #${createHash('sha256').update(init.body).digest('hex').slice(0, 8)}` : '';
  return `${init.method} ${pathname}${search}${body}`;
}

export interface Told {
  readonly out: string;
  readonly err: string;
  readonly exit: number;
  /** What was asked of the hub. */
  readonly asked: readonly string[];
}

export interface Scene {
  /** What it answers with instead of what was recorded. */
  readonly answers?: Readonly<Record<string, Answer | readonly Answer[]>>;
  /** Nobody answers at all: with this code. */
  readonly dead?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly folder?: string;
}

/** Hub and command live in the same moment: when the answers were recorded. */
export interface Recorded {
  readonly at: string;
  readonly answers: Recording;
}

export const readRecorded = (file: string): Recorded => JSON.parse(readFileSync(file, 'utf8')) as Recorded;

/** Time passes only while somebody sleeps, and then at once. */
class SleepingClock extends VirtualClock {
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const slept = super.sleep(ms, signal);
    // Refused while time passes: whoever sleeps hears of it below.
    slept.catch(() => undefined);
    await this.advance(ms);
    return slept;
  }
}

export const hubUrl = 'http://hub.example:8080';

/** Runs a command line against recorded answers; nothing of this machine is touched but `folder`. */
export async function tell(words: readonly string[], { at, answers }: Recorded, scene: Scene = {}): Promise<Told> {
  const told = { out: '', err: '', asked: [] as string[] };
  const seen = new Map<string, number>();
  const date = new Date(Date.parse(at)).toUTCString();
  const fetch: Io['fetch'] = async (url, init) => {
    const key = keyOf(url, init);
    told.asked.push(key);
    if (scene.dead !== undefined)
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(scene.dead), { code: scene.dead }) });
    const given = scene.answers?.[key] ?? scene.answers?.[key.replace(/\?.*| #.*/, '')] ?? answers[key];
    const all = given === undefined ? [unrecorded(key)] : Array.isArray(given) ? (given as readonly Answer[]) : [given as Answer];
    const turn = seen.get(key) ?? 0;
    seen.set(key, turn + 1);
    const { status, type, body } = all[Math.min(turn, all.length - 1)] ?? unrecorded(key);
    return new Response(body, { status, headers: { 'content-type': type, date } });
  };
  const clock: Clock = new SleepingClock(Date.parse(at));
  const exit = await run(words, {
    env: { WHEELHOUSE_URL: hubUrl, ...scene.env },
    home: '/home/ada',
    folder: scene.folder ?? '/nowhere',
    clock,
    fetch,
    out: (text) => (told.out += text),
    err: (text) => (told.err += text),
    stdin: async () => scene.stdin ?? '',
    terminal: scene.terminal ?? false,
    columns: scene.columns,
    stop: new AbortController().signal,
  });
  return { ...told, exit };
}

const unrecorded = (key: string): Answer => problem(500, 'NOT_RECORDED', `nothing was recorded for ${key}`);

export const json = (body: unknown, status = 200): Answer => ({ status, type: 'application/json', body: JSON.stringify(body) });

export const problem = (status: number, code: string, detail: string, more: object = {}): Answer => ({
  status,
  type: 'application/problem+json',
  body: JSON.stringify({
    type: `https://wheelhouse.dev/problems/${code}`,
    title: '',
    status,
    code,
    detail,
    next: 'do what the hub says',
    ...more,
  }),
});

/** Events as a hub streams them. */
export const stream = (...events: readonly (readonly [event: string, id: string, data: unknown])[]): Answer => ({
  status: 200,
  type: 'text/event-stream',
  body: `: open\n\n${events.map(([event, id, data]) => `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`).join('')}`,
});
