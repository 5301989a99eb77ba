import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, systemClock, systemRandom } from '#shared/clock/mod.ts';
import { createLog } from '#shared/telemetry/mod.ts';
import { adminToken, Feed, serveApi } from '#hub/api/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { drawContacts, generateFleet, StillFleet } from './fleets.ts';

const clusters = 10_000;
const rounds = 15;
const limitMs = 200;

const paths: readonly (readonly [string, string])[] = [
  ['clusters, worst first', '/v1alpha1/clusters?limit=100'],
  ['clusters, worst first, 500 with counts', '/v1alpha1/clusters?limit=500&counts=true'],
  ['clusters by name', '/v1alpha1/clusters?limit=100&sort=name'],
  ['degraded clusters of a region', '/v1alpha1/clusters?labelSelector=region=eu&fieldSelector=status.health=Degraded'],
  ['placements, worst first', '/v1alpha1/placements?limit=100'],
  ['placements of one app, with counts', '/v1alpha1/placements?fieldSelector=spec.app=app-1,status.health!=Healthy&counts=true'],
  ['targets', '/v1alpha1/targets?limit=100'],
  ['apps of a tenant', '/v1alpha1/tenants/team-0/apps'],
  ['rollouts', '/v1alpha1/rollouts?limit=100'],
  ['events', '/v1alpha1/events?limit=100'],
  ['one cluster', '/v1alpha1/clusters/c-00042'],
  ['fleet status', '/v1alpha1/status'],
];

export interface Figure {
  readonly what: string;
  readonly path: string;
  /** Of the processor: what it takes on a machine that does nothing else. */
  readonly cpuMs: number;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly bytes: number;
  readonly ok: boolean;
}

/** List calls on a fleet of 10,000 clusters with three placements each, over HTTP, one at a time. */
export async function benchApi(
  say: (line: string) => void,
): Promise<{ clusters: number; limitMs: number; ok: boolean; figures: Figure[] }> {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-bench-'));
  try {
    const clock = systemClock;
    await using store = await openSqliteStore({ file: join(dir, 'record.db'), clock, random: systemRandom });
    say(`making ${clusters} clusters`);
    const random = seededRandom(1);
    const { clusterIds } = await generateFleet(store, { clusters, tenants: 1, apps: 3 }, random);
    await adminToken(store, join(dir, 'token'), systemRandom);
    const nope = (): never => {
      throw new Error('not in this bench');
    };
    const health = new StillFleet(drawContacts(clusterIds, random));
    const api = await serveApi({
      host: '127.0.0.1',
      port: 0,
      store,
      health,
      identities: { createJoinToken: nope, accept: nope },
      onDeclared: nope,
      holds: { hold: nope, release: nope },
      promote: nope,
      pollNow: nope,
      sourceOf: () => undefined,
      feed: new Feed({ store, clock, random: systemRandom, onError: nope }),
      clock,
      random: systemRandom,
      version: '0',
      log: createLog('bench', 'error'),
    });
    try {
      const authorization = `Bearer ${(await readFile(join(dir, 'token'), 'utf8')).trim()}`;
      const figures: Figure[] = [];
      for (const [what, path] of paths) {
        const figure = await measure(what, path, `http://127.0.0.1:${api.port}${path}`, authorization);
        say(
          `${figure.cpuMs.toFixed(1).padStart(7)} ms cpu  ${figure.medianMs.toFixed(1).padStart(7)} ms  ${figure.worstMs.toFixed(1).padStart(7)} ms worst  ${String(figure.bytes).padStart(7)} B  ${what}`,
        );
        figures.push(figure);
      }
      return { clusters, limitMs, ok: figures.every(({ ok }) => ok), figures };
    } finally {
      await api.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(what: string, path: string, url: string, authorization: string): Promise<Figure> {
  const took: number[] = [];
  const burnt: number[] = [];
  let bytes = 0;
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage();
    const began = performance.now();
    const response = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(30_000) });
    const body = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${body.slice(0, 500)}`);
    bytes = Buffer.byteLength(body);
    // The first round warms up.
    if (round === 0) continue;
    took.push(performance.now() - began);
    const { user, system } = process.cpuUsage(before);
    burnt.push((user + system) / 1000);
  }
  const [cpuMs, medianMs] = [median(burnt), median(took)];
  return { what, path, cpuMs, medianMs, worstMs: Math.max(...took), bytes, ok: cpuMs < limitMs };
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
