import type { FleetStatus } from '#hub/api/mod.ts';
import { html, type Html } from '../html.ts';
import type { Look } from '../questions.ts';
import { counted, healthOrder, held, mark, toneOf } from '../words.ts';

type Counts = Readonly<Record<string, number>>;

/** `1 of 12 placements Degraded, 1 of 6 clusters Unknown`: what a title, a screen reader and a hurried person need. Pure. */
export function summaryOf({ clusters, placements, settling }: FleetStatus): string {
  const said = [
    ...part(placements.degraded, placements.total, 'placement', 'Degraded'),
    ...part(clusters.health.Unknown ?? 0, clusters.total, 'cluster', 'Unknown'),
    ...part(placements.progressing, placements.total, 'placement', 'Progressing'),
    ...(settling ? ['the hub is settling'] : []),
  ];
  if (said.length > 0) return said.join(', ');
  if (clusters.total === 0) return 'no clusters are declared';
  if (placements.total === 0) return 'nothing is placed on any cluster';
  const held = placements.suspended === 0 ? '' : `, ${placements.suspended} Suspended`;
  return `${placements.healthy} of ${placements.total} placements Healthy${held}`;
}

const part = (n: number, total: number, what: string, word: string): readonly string[] =>
  n === 0 ? [] : [`${n} of ${total} ${what}${total === 1 ? '' : 's'} ${word}`];

const placementCounts = ({ degraded, unknown, progressing, suspended, healthy }: FleetStatus['placements']): Counts => ({
  Degraded: degraded,
  Unknown: unknown,
  Progressing: progressing,
  Suspended: suspended,
  Healthy: healthy,
});

export function headline(look: Look): Html {
  const { status } = look;
  const { clusters, placements, targets, settling, recordBehind, rollouts, holds } = status;
  const waiting = Object.values(targets.waiting).reduce((sum, n) => sum + n, 0);
  const hub = [
    ...(settling ? ['Settling: the hub has just started or lost many streams. It believes nobody gone and starts nothing yet.'] : []),
    ...(recordBehind === null ? [] : [recordBehind]),
  ];
  return html`<div class="verdict ${toneOf(status.health)}" data-title="${status.health}: ${summaryOf(status)}">
      ${mark(toneOf(status.health))}
      <h1>${status.health}</h1>
      <p class="summary">${summaryOf(status)}</p>
    </div>
    ${holds.fleet && html`<p class="hub frozen">${held(holds.fleet, look)} <span class="quiet">The whole fleet: nothing new is started.</span></p>`}
    ${hub.map((text) => html`<p class="hub">${mark('unknown')}<b>hub</b> ${text}</p>`)}
    <table class="tallies">
      <caption class="unseen">
        How many of what, worst first; each row adds up to its total
      </caption>
      <thead class="unseen">
        <tr>
          <th scope="col">What</th>
          <th scope="col">Total</th>
          <th scope="col">Share</th>
          <th scope="col">Of which</th>
        </tr>
      </thead>
      <tbody>
        ${tally('clusters', clusters.total, clusters.health, healthOrder)}
        ${tally('connection', clusters.total, clusters.connection, ['Disconnected', 'NeverConnected', 'Connected'])}
        ${tally('placements', placements.total, placementCounts(placements), healthOrder)}
        <tr>
          <th scope="row">targets</th>
          <td class="n">${targets.total}</td>
          <td class="bar"></td>
          <td>
            ${waiting === 0 ? html`<span class="quiet">none waits</span>` : html`<b>${waiting}</b> waiting <span class="quiet">(${waits(targets.waiting)})</span>`}
          </td>
        </tr>
        <tr>
          <th scope="row">rollouts</th>
          <td class="n">${rollouts.length}${rollouts.length >= 20 ? '+' : ''}</td>
          <td class="bar"></td>
          <td>${rollouts.length === 0 ? html`<span class="quiet">none running</span>` : 'running'}</td>
        </tr>
        ${still(holds)}
      </tbody>
    </table>`;
}

/** What people have stopped; no row when they have not. */
function still({ environments, clusters, rollouts, apps, placements }: FleetStatus['holds']): Html | undefined {
  const frozen = { environments, clusters };
  const suspended = { rollouts, apps, placements };
  const all = [...Object.values(frozen), ...Object.values(suspended)].reduce((sum, n) => sum + n, 0);
  if (all === 0) return undefined;
  const said = (counts: Counts): string =>
    Object.entries(counts)
      .filter(([, n]) => n > 0)
      .map(([what, n]) => `${n} ${n === 1 ? what.slice(0, -1) : what}`)
      .join(', ');
  const parts = [
    { word: 'Frozen', tone: 'frozen' as const, text: said(frozen) },
    { word: 'Suspended', tone: 'held' as const, text: said(suspended) },
  ].filter(({ text }) => text !== '');
  return html`<tr>
    <th scope="row">stopped</th>
    <td class="n">${all}</td>
    <td class="bar"></td>
    <td>
      <ul class="counts">
        ${parts.map(({ word, tone, text }) => html`<li class="${tone}">${mark(tone)}<b>${word}</b> ${text}</li>`)}
      </ul>
    </td>
  </tr>`;
}

const waits = (reasons: Counts): string =>
  Object.entries(reasons)
    .map(([reason, n]) => `${n} ${reason}`)
    .join(', ');

const tally = (name: string, total: number, counts: Counts, words: readonly string[]): Html =>
  html`<tr>
    <th scope="row">${name}</th>
    <td class="n">${total}</td>
    <td class="bar">${bar(total, counts, words)}</td>
    <td>${counted(counts, words)}</td>
  </tr>`;

/** Shares as lengths; nothing that is there is too thin to be seen. */
function bar(total: number, counts: Counts, words: readonly string[]): Html {
  const least = 2;
  const there = words.filter((word) => (counts[word] ?? 0) > 0);
  const sizes = there.map((word) => Math.max(least, (100 * (counts[word] ?? 0)) / Math.max(1, total)));
  const all = sizes.reduce((sum, size) => sum + size, 0);
  let x = 0;
  const rects = there.map((word, i) => {
    const width = (100 * (sizes[i] ?? 0)) / all;
    const rect = html`<rect class="${toneOf(word)}" x="${x.toFixed(2)}" width="${width.toFixed(2)}" height="8"></rect>`;
    x += width;
    return rect;
  });
  return html`<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">${rects}</svg>`;
}
