import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssignmentReport } from '../../proto/mod.ts';
import { compared, looked, noStories, type Stories } from '../drift/mod.ts';
import { summarise } from '../health/mod.ts';
import type { ObjectRef } from '../kube/mod.ts';
import { reportOf, type Status } from './reports.ts';

/** What a hub takes at most of one report; it refuses a longer one whole. */
const reportBytesMax = 64 * 1024;
const now = { wallMs: Date.UTC(2026, 0, 1), monotonicMs: 0 };

/** Names as long as the API server lets them be. */
const longest = (i: number): ObjectRef => ({
  group: `${'g'.repeat(60)}.`.repeat(4) + 'example',
  kind: 'K'.repeat(63),
  namespace: 'n'.repeat(63),
  name: `${i}`.padStart(253, 'o'),
});
const refs = Array.from({ length: 50 }, (_, i) => longest(i));

function everythingDrifted(): Stories {
  const drifted = refs.map((ref) => ({ ref, kind: 'Changed' as const }));
  const by = { manager: 'm'.repeat(128), operation: 'Update', subresource: 's'.repeat(64), atMs: now.wallMs };
  const fields = Array.from({ length: 5 }, () => 'f'.repeat(160));
  return compared(
    looked(noStories, drifted, () => 'Changed', now),
    drifted.map((one) => ({ ...one, taken: { fields, more: 4_000, by } })),
  );
}

test('the longest report there can be is one that a hub takes, and what travels is what was said', () => {
  const trouble = { health: 'Degraded', reason: 'R'.repeat(128), message: 'm'.repeat(500) } as const;
  const status: Status = {
    uid: 'u'.repeat(63),
    fence: { epoch: 1, generation: 2, hash: Buffer.alloc(32) },
    wanted: `sha256:${'0'.repeat(64)}`,
    applied: `sha256:${'0'.repeat(64)}`,
    summary: summarise(
      refs.map((ref) => ({ ref, state: 'absent', trouble })),
      { waitedMs: 0, timeoutMs: 1 },
    ),
    drift: everythingDrifted(),
    problem: { reason: 'R'.repeat(500), message: 'm'.repeat(10_000), waits: false, retryable: true },
    stance: 'Enforce',
    note: 'n'.repeat(10_000),
    late: true,
    inventory: refs.map((ref) => ({ ref, uid: 'u'.repeat(36) })),
    prunePending: 1_000,
    hops: { fetched: 1, verified: 2, applied: 3, healthy: 4 },
    traceparent: 't'.repeat(55),
  };
  const report = reportOf(status, [], now.wallMs);
  assert.deepEqual([report.drift.length, report.driftMore, report.objects.length], [10, 40, 20]);
  const bytes = AssignmentReport.encode(report).finish();
  assert.ok(bytes.byteLength <= reportBytesMax, `${bytes.byteLength} bytes`);
  const { drift } = AssignmentReport.decode(bytes);
  assert.deepEqual(drift, report.drift);
});
