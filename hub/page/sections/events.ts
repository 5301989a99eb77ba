import type { Event } from '#hub/api/mod.ts';
import { brief, html, type Html } from '../html.ts';
import type { Look } from '../questions.ts';
import { mark, personOf, sinceAge } from '../words.ts';

const messageMax = 140;

/** What happened lately, the latest first. */
export function events(look: Look): Html {
  const rollouts = new Map(look.rollouts.items.map(({ metadata, spec }) => [metadata.uid, `${spec.app}.${spec.environment}`]));
  return html`<h2>Recent events</h2>
    ${
      look.events.items.length === 0
        ? html`<p class="empty">Nothing has happened yet.</p>`
        : html`<ol class="events">
            ${look.events.items.map((one) => item(one, rollouts, look))}
          </ol>`
    }
    ${look.events.metadata.continue !== '' && html`<p class="more">Earlier ones: <code>wheelhouse events</code></p>`}`;
}

function item({ spec }: Event, rollouts: ReadonlyMap<string, string>, look: Look): Html {
  const { kind, tenant, name } = spec.regarding;
  const readable = kind === 'Rollout' ? (rollouts.get(name) ?? name) : name;
  const warning = spec.type === 'Warning';
  return html`<li class="${warning && 'bad'}">
    <span class="age-of">${sinceAge(spec.at, look)}</span>
    <p>
      ${warning && html`${mark('bad')}<span class="unseen">Warning: </span>`}<span class="reason">${spec.reason}</span>
      ${spec.count > 1 && html`<b>${spec.count} times</b>`}
      <span class="kind">${kind.toLowerCase()}</span>
      ${[...(tenant === null ? [] : [tenant]), readable].join('/')}${spec.message !== '' && html`: ${brief(spec.message, messageMax)}`}
      <span class="quiet"
        >${spec.actor !== '' && `by ${spec.actor}`}${spec.changedBy && kind !== 'Rollout' && ` (wanted by ${personOf(spec.changedBy.author)})`}</span
      >
    </p>
  </li>`;
}
