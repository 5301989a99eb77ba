import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { EventRow, Write } from '#hub/store/mod.ts';
import { eventLimits, type Happening } from './model.ts';
import { noted, type About } from './series.ts';

const about: About = {
  kind: 'Placement',
  tenant: 'acme',
  name: 'dev-1.web.shop',
  cluster: 'dev-1',
  app: 'web',
  environment: 'dev',
  rollout_id: 7,
};
const happening = (cause: string, more: Partial<Happening> = {}): Happening => ({
  type: 'Warning',
  reason: 'Degraded',
  cause,
  message: cause,
  actor: '',
  times: 1,
  ...more,
});

/** A table of events in memory. */
class Log {
  rows: EventRow[] = [];
  #next = 1;

  note(now: number, ...happenings: Happening[]): Write[] {
    const writes = noted(
      about,
      this.rows.toSorted((a, b) => b.seq - a.seq),
      happenings,
      { now, newId: () => this.#next++ },
    );
    for (const write of writes) {
      const { id } = (write.op === 'put' ? write.row : write.key) as EventRow;
      this.rows = this.rows.filter((row) => row.id !== id);
      if (write.op === 'put') this.rows.push(write.row as EventRow);
    }
    return writes;
  }
}

test('the same again within an hour is counted, keeps its id and moves to the end', () => {
  const log = new Log();
  log.note(0, happening('A'));
  log.note(1_000, happening('B'));
  log.note(2_000, happening('A', { message: 'newer words', times: 3 }));
  const [b, a] = log.rows.toSorted((x, y) => x.seq - y.seq);
  assert.deepEqual([b?.cause, a?.cause], ['B', 'A']);
  assert.deepEqual([a?.id, a?.count, a?.first_at, a?.at, a?.message], [1, 4, 0, 2_000, 'newer words']);
});

test('later it is an event of its own', () => {
  const log = new Log();
  log.note(0, happening('A'));
  log.note(eventLimits.windowMs + 1, happening('A'));
  assert.deepEqual(
    log.rows.map(({ count }) => count),
    [1, 1],
  );
});

test('twice in one look is one row', () => {
  const log = new Log();
  assert.equal(log.note(0, happening('A'), happening('A')).length, 1);
  assert.equal(log.rows[0]?.count, 2);
});

test('what is said is bounded', () => {
  const log = new Log();
  log.note(0, happening('A', { message: 'x'.repeat(5_000) }));
  assert.equal(log.rows[0]?.message.length, eventLimits.messageCharsMax);
});

test('however much happens, an object keeps its latest twenty, and no occurrence of those is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(2 * eventLimits.windowMs)), { maxLength: 120 }), (steps) => {
      const log = new Log();
      let now = 0;
      for (const [cause, wait] of steps) log.note((now += wait), happening(String(cause)));
      assert.ok(log.rows.length <= eventLimits.perObjectMax);
      const last = steps.at(-1);
      if (last) assert.equal(log.rows.toSorted((a, b) => b.seq - a.seq)[0]?.cause, String(last[0]));
      const ids = log.rows.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(new Set(log.rows.map(({ seq }) => seq)).size, ids.length);
    }),
  );
});
