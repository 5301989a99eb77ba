import type { Cluster } from '#hub/api/mod.ts';
import { groupsOf, placedIn, selectorText, type Group } from '../groups.ts';
import { html, type Html } from '../html.ts';
import type { Look } from '../questions.ts';
import { closerOf, contactAge, counted, healthOrder, heardAge, held, mark, sinceAge, state, toneOf, type Tone } from '../words.ts';

/** As long as a fleet is this small, each cluster has room for all that is known of it. */
const cardsMax = 24;
/** Of one stage: what is not well is drawn with its name up to here, the rest as squares. */
const namedMax = 24;
const groupsMax = 24;

/** Every cluster by environment: the worst first, what is well small. */
export function fleet(look: Look): Html {
  const { status, clusters, environments } = look;
  const groups = groupsOf(environments.items);
  const placed = placedIn(groups.slice(0, groupsMax), clusters.items).filter((one) => one.clusters.length > 0 || one.group);
  const large = status.clusters.total <= cardsMax;
  return html`<h2>Clusters <span class="quiet">by environment</span></h2>
    ${status.clusters.total === 0 && html`<p class="empty">None is declared. Begin with <code>wheelhouse apply -f cluster.yaml</code> and <code>wheelhouse cluster join-token NAME</code>.</p>`}
    ${placed.map(({ group, clusters }) => stage(group, clusters, large, look))}
    ${groups.length > groupsMax && html`<p class="more">And ${groups.length - groupsMax} more groups of environments: <code>wheelhouse get environments</code></p>`}
    ${clusters.metadata.continue !== '' && html`<p class="more">The ${clusters.items.length} worst of ${status.clusters.total} are drawn. All of them: <code>wheelhouse get clusters</code></p>`}
    ${status.clusters.total > 0 && !large && legend}`;
}

function stage(group: Group | undefined, clusters: readonly Cluster[], large: boolean, look: Look): Html {
  const counts = (group && look.groupCounts.get(group.key)) ?? countsOf(clusters);
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const title = group?.title ?? 'in no environment';
  return html`<section class="stage">
    <header>
      <h3>${title}</h3>
      ${group && html`<span class="quiet tenants">${group.tenants.slice(0, 4).join(', ')}${group.tenants.length > 4 && ` and ${group.tenants.length - 4} more tenants`}</span>`}<span
        class="total"
        ><b>${total}</b> ${total === 1 ? 'cluster' : 'clusters'}</span
      >${counted(counts, healthOrder)}
    </header>
    ${frozenStages(group, look).map(({ metadata, status }) => status.frozen && html`<p class="stopped">${held(status.frozen, look)} <span class="quiet">${metadata.tenant}/${metadata.name}</span></p>`)}
    ${
      large
        ? html`<ul class="cards">
            ${clusters.map((one) => card(one, look))}
          </ul>`
        : drawn(clusters, look)
    }
  </section>`;
}

const frozenStages = (group: Group | undefined, { environments }: Look) =>
  environments.items.filter(({ spec, status }) => status.frozen !== null && selectorText(spec.clusterSelector) === group?.key);

function countsOf(clusters: readonly Cluster[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of clusters) counts[status.health] = (counts[status.health] ?? 0) + 1;
  return counts;
}

/** Nothing to be said of it. */
const isWell = ({ status }: Cluster): boolean =>
  status.frozen === null &&
  status.connection === 'Connected' &&
  ['Converged', 'Empty'].includes(status.convergence) &&
  ['Healthy', 'Empty'].includes(status.health);

function drawn(clusters: readonly Cluster[], look: Look): Html {
  const ordered = clusters.toSorted((a, b) => missed(a) - missed(b));
  const unwell = ordered.filter((one) => !isWell(one));
  const named = unwell.slice(0, namedMax);
  const small = [...unwell.slice(namedMax), ...ordered.filter(isWell)];
  return html`${
    named.length > 0 &&
    html`<ul class="chips">
      ${named.map((one) => chip(one, look))}
    </ul>`
  }${
    small.length > 0 &&
    html`<ul class="squares">
      ${small.map(square)}
    </ul>`
  }`;
}

/** Among those that are equally bad, what was never there comes last: nobody misses it yet. */
const missed = ({ status }: Cluster): number => 2 * healthOrder.indexOf(status.health) + (status.connection === 'NeverConnected' ? 1 : 0);

/** All three things in words, for a screen reader and for the pointer. */
const threeWords = ({ connection, convergence, health, frozen }: Cluster['status']): string =>
  `${connection}, ${convergence}, ${health}${frozen ? ', Frozen' : ''}`;

/** Connection, convergence and health, each with its age. */
const card = ({ metadata, status }: Cluster, look: Look): Html =>
  html`<li class="card ${worstTone(status)}">
    <h4><a class="name" href="${closerOf(metadata.name)}">${metadata.name}</a>${reasonOf(status)}</h4>
    ${status.frozen && html`<p class="stopped">${held(status.frozen, look)}</p>`}
    <dl>
      <div>
        <dt>connection</dt>
        <dd>${state(status.connection)}<span class="quiet">${contactAge(status.connectionAgeMs, look)}</span></dd>
      </div>
      <div>
        <dt>convergence</dt>
        <dd>${state(status.convergence)}<span class="quiet">${contactAge(status.convergenceAgeMs, look)}</span></dd>
      </div>
      <div>
        <dt>health</dt>
        <dd>
          ${state(status.health)}<span class="quiet"
            >${status.health === 'Empty' ? '' : html`${status.placements.healthy}/${status.placements.total} apps${since(status, look)}`}</span
          >
        </dd>
      </div>
    </dl>
  </li>`;

const reasonOf = ({ health, reason }: Cluster['status']): Html | undefined =>
  health === 'Healthy' || reason === health || reason === '' ? undefined : html` <span class="why">${reason}</span>`;

function since({ health, since }: Cluster['status'], look: Look): Html | undefined {
  const age = health === 'Healthy' ? undefined : sinceAge(since, look);
  return age && html` · ${age}`;
}

/** A name, three lamps, and in words what is not well. */
function chip({ metadata, status }: Cluster, look: Look): Html {
  const age = sinceAge(status.since, look) ?? (status.connectionAgeMs === null ? undefined : heardAge(status.connectionAgeMs, look));
  const word = status.frozen && status.health === 'Healthy' ? 'Frozen' : status.health;
  const reason = status.reason === '' || status.reason === status.health ? '' : ` · ${status.reason}`;
  return html`<li class="chip ${worstTone(status)}">
    <a href="${closerOf(metadata.name)}" title="${metadata.name}: ${threeWords(status)}"
      ><b class="name">${metadata.name}${status.frozen && mark('frozen')}</b>${lamps(status)}<span class="unseen"
        >${threeWords(status)}</span
      ><span class="line"><b>${word}</b>${age && html` ${age}`}${reason}</span></a
    >
  </li>`;
}

const square = (cluster: Cluster): Html =>
  html`<li>
    <a
      class="square ${worstTone(cluster.status)}"
      href="${closerOf(cluster.metadata.name)}"
      title="${cluster.metadata.name}: ${threeWords(cluster.status)}"
      >${mark(toneOf(cluster.status.health))}<span class="unseen">${cluster.metadata.name}: ${threeWords(cluster.status)}</span></a
    >
  </li>`;

const lamps = ({ connection, convergence, health }: Cluster['status']): Html =>
  html`<span class="lamps" aria-hidden="true">${[connection, convergence, health].map((word) => mark(toneOf(word)))}</span>`;

const tones: readonly Tone[] = ['bad', 'unknown', 'moving', 'held', 'none', 'good'];

/** A cluster that is Healthy by its reports and Disconnected is not drawn as well. */
function worstTone({ connection, convergence, health }: Cluster['status']): Tone {
  if (health === 'Empty') return connection === 'Connected' ? 'none' : toneOf(connection);
  const found = [health, connection, convergence].map(toneOf).toSorted((a, b) => tones.indexOf(a) - tones.indexOf(b));
  // Unknown, because nobody vouches: not to be mistaken for something that is known to be bad.
  return health === 'Unknown' ? 'unknown' : (found[0] ?? 'none');
}

const legend = html`<p class="legend">
  <span>${mark('good')}Connected, Converged and Healthy</span><span>${mark('bad')}Degraded</span><span>${mark('unknown')}Unknown</span
  ><span>${mark('moving')}Progressing</span><span>${mark('held')}Suspended</span><span>${mark('frozen')}Frozen</span
  ><span>${mark('none')}nothing placed</span><span class="quiet">three marks: connection, convergence, health</span>
</p>`;
