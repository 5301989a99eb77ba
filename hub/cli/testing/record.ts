// node hub/cli/testing/record.ts URL TOKEN_FILE: asks a running hub all that the golden tests ask without answers of their own, and keeps what it said in
// testdata/recorded.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#shared/clock/mod.ts';
import { run } from '../run.ts';
import { cases } from './cases.ts';
import { hubUrl, keyOf, type Answer } from './fake.ts';

const [url = '', tokenFile = ''] = process.argv.slice(2);
const authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;
const answers: Record<string, Answer[]> = {};
const at = new Date(Math.floor(systemClock.now() / 1000) * 1000).toISOString();

for (const { words, scene } of cases) {
  if (scene?.answers !== undefined && !words.includes('shop')) continue;
  if (scene?.dead !== undefined) continue;
  await run(words, {
    env: { WHEELHOUSE_URL: hubUrl, ...scene?.env },
    home: '/nowhere',
    folder: '/nowhere',
    clock: systemClock,
    fetch: async (asked, init) => {
      const key = keyOf(asked, init);
      if (init.method !== 'GET') return new Response('{}');
      const response = await fetch(asked.replace(hubUrl, url), { headers: { accept: 'application/json', authorization } });
      const body = await response.text();
      // The sealed cursor differs each time; what is kept is a word.
      const kept = body.replaceAll(/"continue":"[^"]+"/g, '"continue":"cursor"');
      answers[key] ??= [{ status: response.status, type: response.headers.get('content-type') ?? '', body: kept }];
      return new Response(kept, { status: response.status, headers: response.headers });
    },
    out: () => {},
    err: (text) => void process.stderr.write(text),
    stdin: async () => scene?.stdin ?? '',
    terminal: false,
    stop: new AbortController().signal,
  });
}
writeFileSync(join(import.meta.dirname, '../testdata/recorded.json'), `${JSON.stringify({ at, answers }, null, 1)}\n`);
