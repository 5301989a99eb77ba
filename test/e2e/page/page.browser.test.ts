// The page as a person has it: in a browser, of a fleet that is broken while it is looked at.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBrowser } from '#test/browser/mod.ts';
import { TestFleet } from '../fleet/fleets.ts';
import { eventually } from '../fleet/waits.ts';

type Browser = Awaited<ReturnType<typeof openBrowser>>;
type Page = Awaited<ReturnType<Browser['newPage']>>;

// Two slow cores that others use as well.
const slowMs = 90_000;

describe('the page', { timeout: 8 * 60_000 }, () => {
  let fleet: TestFleet;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const base = (): string => `http://127.0.0.1:${fleet.parts.ports.api}`;
  const live = (): Promise<string | null> => page.locator('html').getAttribute('data-live');
  const text = (selector: string): Promise<string> => page.locator(selector).innerText();

  const sees = (what: string, look: () => Promise<boolean>): Promise<true> =>
    eventually(what, slowMs, async () => (await look()) || undefined);

  before(async () => {
    fleet = await TestFleet.start({ kubernetes: 'sandbox', clusters: 3 });
    await fleet.done();
    browser = await openBrowser();
    const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
    page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  after(async () => {
    await browser?.close();
    await fleet?.[Symbol.asyncDispose]();
  });

  test('a link lets in once, and leaves no code in the address', async () => {
    const link = await fleet.parts.hub.pageLink();
    await page.goto(link);
    await page.waitForURL(`${base()}/`);
    await sees('the page to be live', async () => (await live()) === 'yes');
    assert.equal(await text('h1'), 'Healthy');
    const other = await (await browser.newContext()).newPage();
    await other.goto(link);
    assert.match(await other.locator('[role=alert]').innerText(), /not good/);
    await other.goto(await fleet.parts.hub.pageLink());
    await other.waitForURL(`${base()}/`);
    await other.getByRole('button', { name: 'leave' }).click();
    assert.doesNotMatch(await other.locator('body').innerText(), /dev-1|shop/);
    await other.context().close();
  });

  test('nothing on it was refused by its own rules, and nothing is wider than a phone', async () => {
    assert.deepEqual(complaints, []);
    const [wide, room] = await page
      .evaluate('[document.documentElement.scrollWidth, innerWidth]')
      .then((found) => found as [number, number]);
    assert.ok(wide <= room, `${wide} > ${room}`);
  });

  test('a screen reader finds its way: headings in order, names for links and tables', async () => {
    const levels = await page.locator('h1,h2,h3,h4').evaluateAll((all) => all.map((one) => Number(one.tagName[1])));
    assert.equal(levels.filter((level) => level === 1).length, 1);
    for (const [i, level] of levels.entries()) assert.ok(level <= (levels[i - 1] ?? 0) + 1, levels.join());
    const nameless = await page.locator('a,button').evaluateAll((all) => all.filter((one) => one.textContent.trim() === '').length);
    assert.equal(nameless, 0);
    const bare = await page.locator('table').evaluateAll((all) => all.filter((one) => one.querySelector('caption') === null).length);
    assert.equal(bare, 0);
  });

  test('ages count by themselves', async () => {
    const age = page.locator('#section-events .age').first();
    const first = await age.innerText();
    await sees('another age', async () => (await age.innerText()) !== first);
  });

  test('a spoke that stands still is shown as Unknown, and as nothing else', async () => {
    await page.goto(`${base()}/?cluster=dev-1`);
    fleet.parts.spokes.get('dev-1')?.kill('SIGSTOP');
    const card = page.locator('#section-fleet .card', { hasText: 'dev-1' });
    await sees('dev-1 to be Unknown', async () => /health\s+Unknown/.test(await card.innerText()));
    assert.doesNotMatch(await card.innerText(), /Healthy|Converged\b/);
    assert.equal(await text('h1'), 'Unknown');
    assert.match(await text('#section-wrong'), /cluster\s+dev-1/);
    assert.match(await text('#section-closer'), /last heard \d+\w* ago/);
    fleet.parts.spokes.get('dev-1')?.kill('SIGCONT');
    await sees('dev-1 to be Healthy again', async () => /health\s+Healthy/.test(await card.innerText()));
  });

  test('when the hub stands still, the page says so and goes grey; when it goes on, so does the page', async () => {
    fleet.parts.hubProcess.kill('SIGSTOP');
    await sees('the page to say that it is not live', async () => (await live()) === 'no');
    assert.match(await text('#gone'), /^Not live\. .*What is below is what it said at \d\d:\d\d:\d\d UTC, \d+s ago/);
    assert.match(await page.title(), /^Not live: /);
    assert.doesNotMatch(await text('#section-fleet'), /under 15s/, 'nobody can say so now');
    assert.equal(
      await page.locator('h1').evaluate((title) => title.ownerDocument.defaultView?.getComputedStyle(title, '::before').content),
      '"was "',
    );
    assert.equal(
      await page.locator('main').evaluate((main) => main.ownerDocument.defaultView?.getComputedStyle(main).filter),
      'grayscale(1)',
    );
    fleet.parts.hubProcess.kill('SIGCONT');
    await sees('the page to be live again', async () => (await live()) === 'yes');
    assert.equal(await page.locator('#gone').isVisible(), false);
  });

  test('a hub that is killed and comes back finds the same page, without anybody coming in again', async () => {
    fleet.parts.hubProcess.kill('SIGKILL');
    await sees('the page to say that it is not live', async () => (await live()) === 'no');
    await sees('the page to be live again', async () => (await live()) === 'yes');
    await sees('everything to be well again', async () => (await text('h1')) === 'Healthy');
    assert.equal(new URL(page.url()).pathname, '/');
  });

  test('without its script the page goes grey by itself', async () => {
    const other = await page.context().newPage();
    await other.route('**/page/page.js*', (route) => route.abort());
    await other.goto(base());
    assert.equal(await other.locator('#gone').isVisible(), false);
    await sees('the page to say that it is not live', () => other.locator('#gone').isVisible());
    await other.close();
  });

  test('whoever leaves is out', async () => {
    await page.getByRole('button', { name: 'leave' }).click();
    await sees('the way in', async () => /wheelhouse page/.test(await text('body')));
    const { status } = await page.request.get(`${base()}/page/stream`).then((answer) => ({ status: answer.status() }));
    assert.equal(status, 401);
  });
});
