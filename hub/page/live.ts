import { brief } from './html.ts';
import { explain } from '#shared/kernel/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { looksSame } from './differences.ts';
import type { Look } from './questions.ts';

export const liveLimits = {
  /** A browser that hears nothing for 15 s says so. */
  everyMs: 2_000,
  slowestMs: 6_000,
  /** At most this part of the time goes into looking, as long as that is not slower than the slowest. */
  shareMax: 0.1,
  streamsMax: 50,
  viewsMax: 50,
} as const;

/** What was drawn at one moment. */
export interface Drawn {
  readonly look: Look;
  readonly sections: ReadonlyMap<string, string>;
}

interface Kept {
  readonly beganMs: number;
  readonly drawn: Promise<Drawn>;
}

/** Draws a view; `whole` is the fleet without anything closer, of the same moment or a little before. */
type Draw = (cluster: string, whole: () => Promise<Drawn>) => Promise<Drawn>;

/** Whoever follows. */
export interface Guest {
  isWelcome(): Promise<boolean>;
  /** Calls back when somebody may be welcome no more; the answer ends it. */
  onEnded(listener: () => void): () => void;
}

/** Looks at the fleet for everybody who is there: as many browsers as may be cost one look. */
export class Live {
  readonly #clock: Clock;
  readonly #draw: Draw;
  readonly #kept = new Map<string, Kept>();
  #everyMs: number = liveLimits.everyMs;
  #streams = 0;

  constructor(clock: Clock, draw: Draw) {
    this.#clock = clock;
    this.#draw = draw;
  }

  get isFull(): boolean {
    return this.#streams >= liveLimits.streamsMax;
  }

  /** Not older than the time between two looks. Rejects as the API does. */
  async look(cluster: string): Promise<Drawn> {
    const nowMs = this.#clock.monotonicMs();
    for (const [view, { beganMs }] of this.#kept)
      if (nowMs - beganMs >= this.#everyMs * 0.9 || this.#kept.size >= liveLimits.viewsMax) this.#kept.delete(view);
    const kept = this.#kept.get(cluster) ?? this.#begin(cluster, nowMs);
    this.#kept.set(cluster, kept);
    return kept.drawn;
  }

  /** A closer look is as old as the look at the fleet that it stands beside. */
  #begin(cluster: string, nowMs: number): Kept {
    if (cluster === '') return { beganMs: nowMs, drawn: this.#measured() };
    const whole = this.look('');
    return { beganMs: this.#kept.get('')?.beganMs ?? nowMs, drawn: this.#draw(cluster, () => whole) };
  }

  async #measured(): Promise<Drawn> {
    const began = this.#clock.monotonicMs();
    try {
      return await this.#draw('', () => this.look(''));
    } finally {
      const tookMs = this.#clock.monotonicMs() - began;
      this.#everyMs = Math.min(liveLimits.slowestMs, Math.max(liveLimits.everyMs, tookMs / liveLimits.shareMax));
    }
  }

  /** Events for one browser: each section when it looks different, and a beat after every look. No beat: what it shows is not vouched for. */
  async *follow(cluster: string, version: string, guest: Guest, signal: AbortSignal): AsyncGenerator<string> {
    this.#streams++;
    let doubt = new AbortController();
    const deaf = guest.onEnded(() => doubt.abort());
    try {
      const sent = new Map<string, string>();
      yield event('hello', { version });
      while (!signal.aborted) {
        doubt = new AbortController();
        if (!(await guest.isWelcome())) {
          yield event('ended', {});
          return;
        }
        yield* this.#news(cluster, sent, doubt.signal);
        await this.#clock.sleep(this.#everyMs, AbortSignal.any([signal, doubt.signal])).catch(() => undefined);
      }
    } finally {
      deaf();
      this.#streams--;
    }
  }

  async *#news(cluster: string, sent: Map<string, string>, doubt: AbortSignal): AsyncGenerator<string> {
    try {
      const { look, sections } = await this.look(cluster);
      if (doubt.aborted) return;
      for (const [name, text] of sections) {
        if (looksSame(sent.get(name) ?? '', text)) continue;
        sent.set(name, text);
        yield event('section', { name, html: text });
      }
      yield event('beat', { now: Math.round(look.atMs), at: look.status.observedAt });
    } catch (error) {
      yield event('trouble', { why: brief(explain(error), 200) });
    }
  }
}

const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
