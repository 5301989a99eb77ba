import assert from 'node:assert/strict';
import test from 'node:test';
import { currentTraceparent, memoryExporter, recordSpan, span, startTelemetry } from './mod.ts';

test('without an exporter spans are function calls, and an error passes through', async () => {
  assert.equal(await span('quiet', {}, async (s) => s.traceparent), '');
  await assert.rejects(
    span('quiet', {}, async () => {
      throw new RangeError('as it was');
    }),
    RangeError,
  );
});

test('a traceparent carries the trace from one end to the other', async () => {
  const exporter = await memoryExporter();
  const telemetry = await startTelemetry({ service: 'test', version: '0', exporter });
  const carried = await span('commit', {}, async () => span('dispatch', {}, async (s) => s.traceparent));
  assert.match(carried, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await span('apply', { parent: carried, attributes: { cluster: 'one' } }, async () => assert.notEqual(currentTraceparent(), carried));
  recordSpan('healthy', { parent: carried, seconds: 1.5 });
  await span('unrelated', { parent: 'not-a-traceparent' }, async () => undefined);
  await span('waker', {}, async () => span('woken', { parent: '' }, async () => undefined));
  const spans = exporter.getFinishedSpans();
  await telemetry.stop();
  const traces = Map.groupBy(spans, (s) => s.spanContext().traceId);
  assert.deepEqual(
    [...traces.values()].map((all) => all.map((s) => s.name)),
    [['dispatch', 'commit', 'apply', 'healthy'], ['unrelated'], ['woken'], ['waker']],
  );
});
