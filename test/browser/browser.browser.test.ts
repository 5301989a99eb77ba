import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser } from './mod.ts';

test('a browser shows a page, with letters in it', async () => {
  await using browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
  await page.setContent('<p style="display:inline-block">wwww</p><p style="display:inline-block">iiii</p>');
  const widths = await page.locator('p').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().width));
  // Without fonts every letter is as wide as every other.
  assert.ok((widths[0] ?? 0) > (widths[1] ?? 0), String(widths));
  assert.ok((await page.screenshot()).length > 1000);
});
