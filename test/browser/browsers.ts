import { chromium, type Browser } from 'playwright-core';
import { findServer, type FindOptions } from '#deploy/local/servers/mod.ts';

/** Chromium without a window. Throws ServerError NOT_FOUND when there is none and none can be fetched. */
export async function openBrowser(options: FindOptions = {}): Promise<Browser> {
  const { command, env } = await findServer('chromium', options);
  // As root its own sandbox cannot be built; what it opens here are our own pages only.
  return await chromium.launch({ executablePath: command, env: { ...process.env, ...env }, chromiumSandbox: process.getuid?.() !== 0 });
}
