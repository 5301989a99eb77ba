import { html, type Html } from './html.ts';
import { marks } from './marks.ts';
import type { Look } from './questions.ts';
import { closer } from './sections/closer.ts';
import { events } from './sections/events.ts';
import { fleet } from './sections/fleet.ts';
import { headline, summaryOf } from './sections/headline.ts';
import { matrix } from './sections/matrix.ts';
import { rollouts } from './sections/rollouts.ts';
import { wrong } from './sections/wrong.ts';

/** The parts that are drawn and renewed each by itself. */
export const sections: Readonly<Record<string, (look: Look) => Html>> = { headline, closer, wrong, rollouts, fleet, matrix, events };

/** Versions of what else a browser loads, so that it never mixes two. */
export interface Assets {
  readonly version: string;
}

const clockOf = (time: string): string => `${time.slice(11, 19)} UTC`;

const head = (title: string, { version }: Assets, script: string): Html =>
  html`<head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title}</title>
    <link rel="icon" href="/page/icon.svg?${version}" type="image/svg+xml" />
    <link rel="stylesheet" href="/page/page.css?${version}" />
    <script type="module" src="/page/${script}?${version}"></script>
    ${script === 'page.js' && html`<noscript><meta http-equiv="refresh" content="10" /></noscript>`}
  </head>`;

const brand = html`<a class="brand" href="/"
  ><svg viewBox="0 0 24 24" aria-hidden="true"><use href="#m-wheel"></use></svg>Wheelhouse</a
>`;

/** The whole page. What it says of the fleet is in `look`; everything else is how. Pure. */
export function pageDocument(look: Look, assets: Assets): string {
  const { status, atMs } = look;
  const part = (name: string): Html => html`<section class="part" id="section-${name}" tabindex="-1">${sections[name]?.(look)}</section>`;
  return html`<!doctype html>
    <html lang="en" data-live="yet" data-beat="0" data-now="${Math.round(atMs)}" data-version="${assets.version}">
      ${head(`${status.health}: ${summaryOf(status)}`, assets, 'page.js')}
      <body>
        ${marks}
        <a class="skip" href="#section-wrong">to what is wrong</a>
        <header class="top">
          ${brand}
          <p class="live">
            <span class="lamp" aria-hidden="true"></span><span id="live">not live yet</span>
            <span class="quiet">as of <span id="clock">${clockOf(status.observedAt)}</span></span>
          </p>
          <form method="post" action="/logout"><button>leave</button></form>
        </header>
        <div id="gone" class="gone">
          <p>
            <span role="alert"><b>Not live.</b> <span id="gone-why">Nothing has come from the hub for a while.</span></span> What is below
            is what it said at <span id="gone-clock">${clockOf(status.observedAt)}</span><span id="gone-age"></span>: it may be otherwise by
            now.
          </p>
        </div>
        <p id="told" class="unseen" role="status"></p>
        <main>
          ${['headline', 'closer'].map(part)}
          <div class="columns">
            <div class="wide">${['wrong', 'fleet', 'matrix'].map(part)}</div>
            <div class="side">${['rollouts', 'events'].map(part)}</div>
          </div>
        </main>
        <footer>
          <p>
            This page shows what <code>wheelhouse status</code>, <code>get</code> and <code>events</code> show, and the API at
            <code>/v1alpha1</code> answers. It changes nothing.
          </p>
        </footer>
      </body>
    </html> `.text;
}

/** For whoever has not been let in: says nothing about the fleet. */
export const strangerDocument = (assets: Assets): string =>
  plainDocument(
    'Wheelhouse',
    assets,
    html`<h1>This page shows a fleet to those who were let in.</h1>
      <p>Whoever has a token of this hub makes a link, good once and for ten minutes:</p>
      <pre><code>wheelhouse page</code></pre>
      <p class="quiet">
        In a clone: <code>npm run --silent wheelhouse -- page</code>. <code>npm start</code> prints one as well. If you were let in already
        and came here from another site, <a href="/">look again</a>.
      </p>`,
  );

/** Where a link of `wheelhouse page` leads; the code is behind the #, which browsers keep to themselves. */
export const loginDocument = (assets: Assets, problem = ''): string =>
  plainDocument(
    'Wheelhouse: come in',
    assets,
    html`<h1>Come in</h1>
      ${problem !== '' && html`<p class="problem" role="alert">${problem}</p>`}
      <form method="post" action="/login" id="login" data-failed="${problem === '' ? 'no' : 'yes'}">
        <label>Code <input name="code" autocomplete="off" autocapitalize="off" spellcheck="false" required /></label>
        <button>look at the fleet</button>
      </form>
      <p class="quiet">The code is the part of the link behind the #. <code>wheelhouse page</code> makes another one.</p>`,
    'login.js',
  );

export const problemDocument = (assets: Assets, title: string, text: string): string =>
  plainDocument(
    title,
    assets,
    html`<h1>${title}</h1>
      <p>${text}</p>`,
  );

const plainDocument = (title: string, assets: Assets, body: Html, script = 'login.js'): string =>
  html`<!doctype html>
    <html lang="en">
      ${head(title, assets, script)}
      <body class="plain">
        ${marks}
        <header class="top">${brand}</header>
        <main>${body}</main>
      </body>
    </html> `.text;
