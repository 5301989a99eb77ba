import type { Rollout, Target } from '#hub/api/mod.ts';
import { html, type Html } from '../html.ts';
import type { Look } from '../questions.ts';
import { alias, held, mark, personOf, sinceAge, state, toneOf, why } from '../words.ts';

const waitingMax = 12;

/** What moves and what it waits for; then promotions that wait for something before they may begin. */
export function rollouts(look: Look): Html {
  const running = look.rollouts.items.filter(({ status }) => status.finishedAt === null);
  const waiting = look.targets.items.filter(({ status }) => status.waiting !== null);
  const shown = waiting.slice(0, waitingMax);
  return html`<h2>Rollouts</h2>
    ${
      running.length === 0
        ? html`<p class="empty">None is running.</p>`
        : html`<ol class="rollouts">
            ${running.map((one) => item(one, look))}
          </ol>`
    }
    ${running.length === look.rollouts.items.length && running.length > 0 && look.rollouts.metadata.continue !== '' && html`<p class="more">And more: <code>wheelhouse get rollouts</code></p>`}
    ${
      waiting.length > 0 &&
      html`<h3>Waiting to be promoted</h3>
        <ul class="waiting">
          ${shown.map(waits)}
        </ul>`
    }
    ${waiting.length > shown.length && html`<p class="more">And ${waiting.length - shown.length} more: <code>wheelhouse get targets</code></p>`}`;
}

function item({ metadata, spec, status }: Rollout, look: Look): Html {
  const { clusters } = status;
  const done = clusters.succeeded + clusters.unchanged;
  const begun = sinceAge(metadata.creationTimestamp, look);
  const reasons = spec.startedBy.reason === '' ? '' : ` (${spec.startedBy.reason})`;
  return html`<li class="${toneOf(status.state)}">
    <h3>${state(status.state)} <b>${metadata.tenant}/${spec.app}.${spec.environment}</b></h3>
    <p class="progress">
      ${steps(clusters)}<span
        ><b>${done}</b>/${clusters.total} clusters, wave ${status.wave}/${status.waves}${begun && html`, for ${begun}`}</span
      >
    </p>
    ${status.suspended && html`<p>${held(status.suspended, look)}</p>`}
    <p class="waits">${why(status.reason, status.message, status.state)}</p>
    <p class="quiet">release ${alias(spec.release)} by ${personOf(spec.author)}, started by ${spec.startedBy.actor}${reasons}</p>
  </li>`;
}

const parts: readonly (readonly [part: keyof Rollout['status']['clusters'], tone: string])[] = [
  ['succeeded', 'good'],
  ['unchanged', 'good'],
  ['degraded', 'bad'],
  ['unreachable', 'unknown'],
  ['started', 'moving'],
  ['waiting', 'none'],
];

/** How far it is: one length for each state of its clusters. The words follow. */
function steps(clusters: Rollout['status']['clusters']): Html {
  let x = 0;
  const rects = parts.map(([part, tone]) => {
    const width = (100 * clusters[part]) / Math.max(1, clusters.total);
    const rect = html`<rect class="${tone}" x="${x.toFixed(2)}" width="${width.toFixed(2)}" height="8"></rect>`;
    x += width;
    return width === 0 ? undefined : rect;
  });
  const said = parts.filter(([part]) => clusters[part] > 0).map(([part]) => `${clusters[part]} ${part}`);
  return html`<svg class="steps" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="${said.join(', ')}">
    <title>${said.join(', ')}</title>
    ${rects}
  </svg>`;
}

const waits = ({ metadata, status }: Target): Html =>
  html`<li>
    ${mark('held')}<b>${metadata.tenant}/${metadata.name}</b> ${why(status.waiting?.reason ?? '', status.waiting?.message ?? '')}
  </li>`;
