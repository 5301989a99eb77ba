// Keeps the page true: swaps in what the hub draws anew, lets ages count, and says plainly when nothing vouches for what is shown.
import { humanAge } from './ages.js';

const staleAfterMs = 15_000;
const retryMs = 3_000;
const root = document.documentElement;
const byId = (id) => document.getElementById(id);

/** The hub's monotonic clock minus this page's: ages are told by the hub's. */
let offsetMs = Number(root.dataset.now) - performance.now();
/** When the hub vouched last. Both clocks: one stands still while a machine sleeps, the other jumps when it is set. */
let heard = { monotonic: performance.now(), wall: Date.now() };
let trouble = 'no connection to the hub yet';

const silentMs = () => Math.max(performance.now() - heard.monotonic, Date.now() - heard.wall);

function tellAges() {
  const now = performance.now() + offsetMs;
  for (const age of document.querySelectorAll('.age[data-at]')) {
    const text = humanAge(now - Number(age.dataset.at));
    if (age.textContent !== text) age.textContent = text;
  }
}

/** Heard all the time, as long as this page hears of it. */
function tellFresh(live) {
  const text = live === 'no' ? `over ${humanAge(silentMs())} ago` : 'under 15s ago';
  for (const fresh of document.querySelectorAll('.fresh')) if (fresh.textContent !== text) fresh.textContent = text;
}

function show() {
  const why = silentMs() > staleAfterMs && trouble === '' ? 'nothing comes from the hub' : trouble;
  const live = why === '' ? 'yes' : 'no';
  tellFresh(live);
  if (live === 'no') {
    byId('gone-age').textContent = `, ${humanAge(silentMs())} ago`;
    const text = `${why[0].toUpperCase()}${why.slice(1)}.`;
    if (byId('gone-why').textContent !== text) byId('gone-why').textContent = text;
  }
  if (root.dataset.live === live) return;
  root.dataset.live = live;
  byId('live').textContent = live === 'yes' ? 'live' : 'not live';
  title();
}

function title() {
  const said = document.querySelector('[data-title]')?.dataset.title ?? 'Wheelhouse';
  document.title = root.dataset.live === 'yes' ? said : `Not live: ${said}`;
  // Read out when it changes, and only then.
  const told = byId('told');
  if (told.textContent !== document.title) told.textContent = document.title;
}

/** Where the reader is and what was unfolded stays so. */
function swap(name, text) {
  const section = byId(`section-${name}`);
  if (!section) return;
  const focus = section.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  const open = [...section.querySelectorAll('details[open]')].map((one) => one.dataset.key);
  section.innerHTML = text;
  for (const one of section.querySelectorAll('details')) if (open.includes(one.dataset.key)) one.open = true;
  if (focus !== null) section.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
}

function beat({ now, at }) {
  offsetMs = now - performance.now();
  heard = { monotonic: performance.now(), wall: Date.now() };
  trouble = '';
  byId('clock').textContent = byId('gone-clock').textContent = `${at.slice(11, 19)} UTC`;
  // Starts the style sheet's own watch anew: should this script die, the page goes grey without it.
  root.dataset.beat = root.dataset.beat === '0' ? '1' : '0';
  tellAges();
  title();
  show();
}

function lost(why) {
  trouble = why;
  show();
}

function follow() {
  const stream = new EventSource(`/page/stream${location.search}`);
  const on = (type, handle) => stream.addEventListener(type, ({ data }) => handle(JSON.parse(data)));
  on('hello', ({ version }) => version !== root.dataset.version && location.reload());
  on('section', ({ name, html }) => swap(name, html));
  on('beat', beat);
  on('trouble', ({ why }) => lost(`the hub cannot look at its fleet: ${why}`));
  on('ended', () => {
    stream.close();
    lost(refusals[401]);
  });
  stream.addEventListener('error', () => {
    lost('the connection to the hub is lost, and tried again');
    // A browser tries again by itself unless it was refused.
    if (stream.readyState === EventSource.CLOSED) void refused();
  });
}

const refusals = { 401: 'this session has ended; wheelhouse page makes a new link', 503: 'too many pages of this hub are open' };

/** Why, if the hub says so; and again later, as somebody may have come in meanwhile. */
async function refused() {
  try {
    const answer = await fetch('/page/stream', { signal: AbortSignal.timeout(10_000) });
    await answer.body?.cancel();
    if (answer.status in refusals) lost(refusals[answer.status]);
  } catch {
    // Nobody there: that has been said.
  }
  setTimeout(follow, retryMs);
}

setInterval(() => {
  tellAges();
  show();
}, 1_000);
tellAges();
follow();
