// Traces and logs. @opentelemetry/api everywhere, its SDK only when there is somewhere to export to.
export { createLog, silentLog, type Fields, type Log, type LogLevel } from './log.ts';
export { memoryExporter, startTelemetry, type TelemetryOptions } from './sdk.ts';
export { currentTraceparent, recordSpan, span, type Attributes, type SpanHandle, type SpanOptions } from './spans.ts';
