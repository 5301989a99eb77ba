// Whatever happens to a cluster is shown as what it is within the bound, by the API, the command and the page; nothing else is shown otherwise.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { boundMs, tellAll, type Report } from './stories.ts';
import { failuresOf, tableOf } from './tables.ts';

describe('what is shown when things go wrong', { timeout: 9 * 60_000 }, () => {
  let report: Report;
  before(async () => {
    using folder = temporaryFolder('truth');
    const log = (): void => {};
    report = await tellAll({ kubernetes: 'real', data: join(folder.path, 'data'), log, signal: AbortSignal.timeout(8 * 60_000) });
  });

  test(`everything is shown as what it is within ${boundMs / 1000} s, and nothing of it as healthy meanwhile`, (t) => {
    for (const line of tableOf(report).split('\n')) t.diagnostic(line);
    assert.deepEqual(failuresOf(report), []);
  });

  test('it was looked at all the time, and all cases were told', () => {
    assert.equal(report.stories.length, 10);
    assert.ok(report.samples > 300, `${report.samples} looks`);
  });
});
