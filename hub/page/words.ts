import { humanAge } from '#shared/kernel/mod.ts';
import { brief, html, type Html } from './html.ts';
import type { Cluster } from '#hub/api/mod.ts';
import type { Look } from './questions.ts';

/** How a word looks: each has a colour and a shape, so that neither is needed to tell them apart. */
export type Tone = 'good' | 'bad' | 'unknown' | 'moving' | 'held' | 'none';

const tones: Readonly<Record<string, Tone>> = {
  Degraded: 'bad',
  Disconnected: 'bad',
  Failed: 'bad',
  Warning: 'bad',
  Revoked: 'bad',
  Contested: 'bad',
  Standing: 'unknown',
  Unknown: 'unknown',
  NeverConnected: 'unknown',
  Declared: 'unknown',
  Pending: 'unknown',
  Progressing: 'moving',
  Converging: 'moving',
  NotReceived: 'moving',
  Suspended: 'held',
  Paused: 'held',
  Held: 'held',
  Superseded: 'held',
  Corrected: 'held',
  Healthy: 'good',
  Connected: 'good',
  Converged: 'good',
  Succeeded: 'good',
};

/** What is not known here looks like nothing, never like good news. */
export const toneOf = (word: string): Tone => (Object.hasOwn(tones, word) ? (tones[word] ?? 'none') : 'none');

/** A shape for eyes only: the word stands beside it, or is said to those who do not see. */
export const mark = (tone: Tone | 'frozen'): Html =>
  html`<svg class="mark ${tone}" viewBox="0 0 16 16" aria-hidden="true"><use href="#m-${tone}"></use></svg>`;

/** The word with its mark. */
export const state = (word: string): Html => html`<span class="state ${toneOf(word)}">${mark(toneOf(word))}${word}</span>`;

/** An age that goes on counting: by the hub's monotonic clock, from a receipt that is `atMs` on it. */
const counting = (atMs: number, nowMs: number): Html =>
  html`<span class="age" data-at="${Math.round(atMs)}">${humanAge(nowMs - atMs)}</span>`;

/** Since the hub's own receipt. */
export const heardAge = (ageMs: number | null, { atMs }: Pick<Look, 'atMs'>): Html =>
  ageMs === null ? html`<span class="never">never</span>` : counting(atMs - ageMs, atMs);

/** Since a time of the hub; undefined when it cannot be known. */
export function sinceAge(time: string | null | undefined, { atMs, status }: Pick<Look, 'atMs' | 'status'>): Html | undefined {
  const ageMs = Date.parse(status.observedAt) - Date.parse(time ?? '');
  return Number.isNaN(ageMs) ? undefined : counting(atMs - ageMs, atMs);
}

/** What is heard all the time is not told by the second: its age would be another with every beat. */
const freshMs = 15_000;

/** How long ago a spoke was heard, or its reports were vouched for. */
export const contactAge = (ageMs: number | null, look: Pick<Look, 'atMs'>): Html =>
  ageMs === null
    ? html`not yet`
    : ageMs < freshMs
      ? html`<span class="fresh">under ${freshMs / 1000}s ago</span>`
      : html`${heardAge(ageMs, look)} ago`;

/** `1 Degraded, 5 Healthy`; what is not there is not said. */
export function counted(counts: Readonly<Record<string, number>>, words: readonly string[]): Html {
  const there = words.filter((word) => (counts[word] ?? 0) > 0);
  if (there.length === 0) return html`<span class="quiet">none</span>`;
  return html`<ul class="counts">
    ${there.map((word) => html`<li class="${toneOf(word)}">${mark(toneOf(word))}<b>${counts[word]}</b> ${word}</li>`)}
  </ul>`;
}

export const healthOrder = ['Degraded', 'Unknown', 'Progressing', 'Suspended', 'Healthy', 'Empty'] as const;

export type Hold = NonNullable<Cluster['status']['frozen']>;

const frozenScopes: readonly Hold['scope'][] = ['Fleet', 'Environment', 'Cluster'];

/** Frozen or Suspended, by whom, why, since when and until when. */
export function held(hold: Hold, look: Pick<Look, 'atMs' | 'status'>): Html {
  const frozen = frozenScopes.includes(hold.scope);
  const since = sinceAge(hold.since, look);
  return html`<span class="hold"
    ><span class="state ${frozen ? 'frozen' : 'held'}">${mark(frozen ? 'frozen' : 'held')}${frozen ? 'Frozen' : 'Suspended'}</span> by
    ${personOf(hold.by)}${hold.reason !== '' && html`: ${brief(hold.reason, 160)}`}${since && html`, for ${since}`}${hold.until !== null && `, until ${hold.until.slice(0, 16).replace('T', ' ')} UTC`}</span
  >`;
}

/** The name of `Name <address>`. */
export const personOf = (author: string): string => author.replace(/\s*<[^<>]*>\s*$/, '') || author;

const messageMax = 400;

/** `Reason message`, the reason once, and not where it is the very word that stands before it. */
export function why(reason: string, message: string, before = ''): Html {
  const text = brief(message.startsWith(`${reason}: `) ? message.slice(reason.length + 2) : message, messageMax);
  const said = text === '' || text === reason ? '' : text;
  if (reason === before) return html`${said}`;
  return html`<span class="reason">${reason}</span> ${said}`;
}

/** Where a cluster is shown by itself. */
export const closerOf = (name: string): string => `?cluster=${encodeURIComponent(name)}#section-closer`;

export const clusterLink = (name: string): Html => html`<a href="${closerOf(name)}">${name}</a>`;

/** `20261121T140031Z-f0e2ba3-fb8c410d`: whole where there is room, its commit where there is not. */
export const alias = (name: string): Html => {
  const [, commit] = /^\d{8}T\d{6}Z-([0-9a-f]{7})-[0-9a-f]{8}$/.exec(name) ?? [];
  return commit === undefined ? html`<code>${name}</code>` : html`<code title="${name}">${commit}</code>`;
};
