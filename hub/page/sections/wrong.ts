import { html, type Html } from '../html.ts';
import type { Look } from '../questions.ts';
import { alias, clusterLink, heardAge, personOf, sinceAge, state, toneOf } from '../words.ts';
import { wrongsOf, type Wrong } from '../wrongs.ts';
import { cause } from './causes.ts';

/** Read at once; the rest is folded, up to here. */
const shownMax = 10;
const foldedMax = 40;
const clustersNamed = 8;

/** What is wrong, the worst first: object, reason, message, since when, who changed it last. */
export function wrong(look: Look): Html {
  const all = wrongsOf(look);
  const shown = all.slice(0, shownMax);
  const folded = all.slice(shownMax, foldedMax);
  return html`<h2>What is wrong</h2>
    ${
      all.length === 0
        ? html`<p class="empty">${nothing(look)}</p>`
        : html`<ol class="wrongs">
            ${shown.map((one) => item(one, look))}
          </ol>`
    }
    ${
      folded.length > 0 &&
      html`<details class="folded" data-key="more">
        <summary>${folded.length} more kinds of trouble</summary>
        <ol class="wrongs" start="${shownMax + 1}">
          ${folded.map((one) => item(one, look))}
        </ol>
      </details>`
    }
    ${more(look, all.length - shown.length - folded.length)}`;
}

const nothing = ({ status }: Look): string =>
  status.placements.total === 0
    ? 'Nothing is placed on any cluster yet.'
    : 'Nothing that the hub knows of, and it hears from every cluster.';

/** What is listed is bounded; what is counted is not. */
function more({ status, troubled, silent, absent }: Look, groups: number): Html | undefined {
  const left = [
    ...(groups > 0 ? [`${groups} more kinds of trouble`] : []),
    ...(troubled.metadata.continue === ''
      ? []
      : [`${status.placements.degraded + status.placements.progressing - troubled.items.length} more placements`]),
    ...(silent.metadata.continue + absent.metadata.continue === ''
      ? []
      : [`${(status.clusters.health.Unknown ?? 0) - silent.items.length - absent.items.length} more Unknown clusters`]),
  ];
  if (left.length === 0) return undefined;
  return html`<p class="more">
    And ${left.join(', ')}: <code>wheelhouse get placements --sort-by health</code>, <code>wheelhouse get clusters --sort-by health</code>
  </p>`;
}

function item(one: Wrong, look: Look): Html {
  const since = sinceAge(one.since, look);
  return html`<li class="${toneOf(one.word)}">
    <div class="what">
      <h3>
        ${state(one.word)}
        <span class="kind">${one.kind}</span>
        ${one.kind === 'cluster' && one.clusters.length === 1 ? clusterLink(one.name) : html`<b>${one.name}</b>`}
      </h3>
      <p class="when">
        ${since ? html`for ${since}` : 'since before this hub process'}${one.heardMs === undefined ? '' : html`, ${one.heardMs === null ? 'no beat heard' : html`last beat ${heardAge(one.heardMs, look)} ago`}`}
      </p>
    </div>
    <div class="cause">
      ${cause(one)} ${one.kind === 'cluster' && one.clusters.length === 1 ? '' : places(one)}
      ${one.changedBy && html`<p class="who"><span class="label">last changed by</span> ${personOf(one.changedBy.author)}: <q>${one.changedBy.message}</q> <span class="quiet">release ${alias(one.changedBy.release)}, rolled out by ${one.changedBy.actor}${ago(one.changedBy.at, look)}</span></p>`}
    </div>
  </li>`;
}

function ago(at: string, look: Look): Html | string {
  const age = sinceAge(at, look);
  return age ? html` ${age} ago` : '';
}

function places({ clusters, kind, name, reason }: Wrong): Html | undefined {
  if (clusters.length === 0) return undefined;
  const named = clusters.slice(0, clustersNamed).map((one) => html`<li>${clusterLink(one)}</li>`);
  const rest = clusters.slice(clustersNamed);
  const on = kind === 'cluster' ? '' : html`<span class="label">on ${clusters.length === 1 ? '' : `${clusters.length} clusters`}</span>`;
  return html`<div class="places">
    ${on}
    <ul class="names first">
      ${named}
    </ul>
    ${
      rest.length > 0 &&
      html`<details data-key="${kind} ${name} ${reason}">
        <summary>${rest.length} more</summary>
        <ul class="names">
          ${rest.map((one) => html`<li>${clusterLink(one)}</li>`)}
        </ul>
      </details>`
    }
  </div>`;
}
