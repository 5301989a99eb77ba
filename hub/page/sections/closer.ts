import type { Placement } from '#hub/api/mod.ts';
import { html, type Html } from '../html.ts';
import type { Look } from '../questions.ts';
import { alias, heardAge, held, personOf, sinceAge, state, toneOf, why } from '../words.ts';
import { cause } from './causes.ts';

/** One cluster, all that is known of it. Nothing when none was asked for. */
export function closer(look: Look): Html {
  const { closer } = look;
  if (!closer) return html``;
  const away = html`<a class="away" href="./">close</a>`;
  if (!closer.cluster)
    return html`<h2>Cluster ${closer.name} ${away}</h2>
      <p class="empty">There is no cluster of that name.</p>`;
  const { metadata, status } = closer.cluster;
  const since = sinceAge(status.since, look);
  const { facts } = status;
  // Of its worst placement, which says so itself below.
  const placed = closer.placements.some((one) => one.status.reason === status.reason);
  return html`<h2><span class="quiet">Cluster</span> ${metadata.name} ${away}</h2>
    <table class="three">
      <caption class="unseen">
        Connection, convergence and health, each with its age
      </caption>
      <tbody>
        <tr>
          <th scope="row">connection</th>
          <td>${state(status.connection)}</td>
          <td>
            ${status.connectionAgeMs === null ? 'not heard by this hub process' : html`last heard ${heardAge(status.connectionAgeMs, look)} ago`}
          </td>
        </tr>
        <tr>
          <th scope="row">convergence</th>
          <td>${state(status.convergence)}</td>
          <td>
            ${vouched(status.convergenceAgeMs, look)}${status.fence && html`, desired state ${status.fence.epoch}/${status.fence.generation}`}
          </td>
        </tr>
        <tr>
          <th scope="row">health</th>
          <td>${state(status.health)}</td>
          <td>${vouched(status.healthAgeMs, look)}${status.health !== 'Healthy' && since && html`, ${status.health} for ${since}`}</td>
        </tr>
      </tbody>
    </table>
    ${status.frozen && html`<p>${held(status.frozen, look)}</p>`}
    ${!placed && status.health !== 'Healthy' && html`<p class="cause">${why(status.reason, status.message)}</p>`}
    <p class="quiet facts">
      ${status.state}${facts.kubernetesVersion !== '' && html`, Kubernetes ${facts.kubernetesVersion}, ${facts.nodes} nodes, spoke ${facts.spokeVersion}`};
      labels
      ${Object.entries(metadata.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ')}
    </p>
    ${
      closer.placements.length > 0 &&
      html`<ul class="placements">
        ${closer.placements.map((one) => placement(one, look))}
      </ul>`
    }
    ${
      status.refusals.length > 0 &&
      html`<h3>Refused lately</h3>
        <ul class="refusals">
          ${status.refusals.map(({ code, message, at }) => html`<li>${why(code, message)} <span class="quiet">${sinceAge(at, look)} ago</span></li>`)}
        </ul>`
    }`;
}

const vouched = (ageMs: number | null, look: Look): Html =>
  ageMs === null ? html`nothing vouched for by this hub process` : html`vouched for ${heardAge(ageMs, look)} ago`;

function placement({ metadata, spec, status }: Placement, look: Look): Html {
  const since = sinceAge(status.since, look);
  const observed = status.observed !== null && status.observed !== status.wanted;
  return html`<li class="${toneOf(status.health)}">
    <h3>
      ${state(status.health)} ${state(status.convergence)} <b>${metadata.tenant}/${spec.app}</b>
      <span class="quiet">${spec.environment}, namespace ${spec.namespace}</span>
    </h3>
    <p>
      ${status.releaseAlias === null ? 'no release wanted' : html`release ${alias(status.releaseAlias)}`}, ${status.objects}
      objects${since && html`, for ${since}`}${observed && ', runs another revision'}${status.state === 'Held' && `, Held: ${status.holdReason}`}${spec.mode !== 'Enforce' && `, mode ${spec.mode}`}
    </p>
    ${status.holds.map((hold) => html`<p>${hold.scope} ${held(hold, look)}</p>`)}
    ${status.health !== 'Healthy' && html`<div class="cause">${cause({ ...status, objects: status.unhealthy })}</div>`}
    ${status.drift.length > 0 && drifted(status.drift, look)}
    ${status.health !== 'Healthy' && status.changedBy && html`<p class="who"><span class="label">last changed by</span> ${personOf(status.changedBy.author)}: <q>${status.changedBy.message}</q></p>`}
  </li>`;
}

/** What others did to the objects here, and what became of it. */
const drifted = (drift: Placement['status']['drift'], look: Look): Html =>
  html`<ul class="objects">
    ${drift.map((one) => {
      const seen = sinceAge(one.lastSeenAt, look);
      const times = one.seen > 1 && ` ${one.seen} times`;
      return html`<li>
        drift ${state(one.state)} ${one.kind}
        <code>${one.object}</code>
        ${one.fields.join(', ')}${one.manager !== '' && html` by ${one.manager}`}${times}${seen && html`, last ${seen} ago`}
      </li>`;
    })}
  </ul>`;
