import { context, isSpanContextValid, ROOT_CONTEXT, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import { systemClock } from '../clock/mod.ts';
import { codeOf } from '../kernel/mod.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  readonly attributes?: Attributes;
  /** W3C traceparent of the change that this work belongs to; absent: the active span's; '' (nothing was recorded): a trace of its own. */
  readonly parent?: string;
}

export interface SpanHandle {
  set(attributes: Attributes): void;
  /** W3C traceparent of this span; '' when tracing is off. */
  readonly traceparent: string;
}

const tracer = trace.getTracer('wheelhouse');

/**
 * Runs `fn` inside a span. Without an SDK the API's no-op tracer makes this a function call. An error is recorded by its code and ends the span; it
 * passes through unchanged.
 */
export async function span<T>(name: string, options: SpanOptions, fn: (span: SpanHandle) => Promise<T>): Promise<T> {
  const parent = contextOf(options.parent);
  return tracer.startActiveSpan(name, { attributes: { ...options.attributes } }, parent, async (active) => {
    const inner = trace.setSpan(parent, active);
    try {
      return await fn({ set: (attributes) => void active.setAttributes({ ...attributes }), traceparent: traceparentOf(inner) });
    } catch (error) {
      const code = codeOf(error) ?? (error instanceof Error ? error.name : 'Error');
      active.setStatus({ code: SpanStatusCode.ERROR, message: code });
      active.setAttribute('error.type', code);
      throw error;
    } finally {
      active.end();
    }
  });
}

/** A finished span of a duration that was measured elsewhere (a hop of a spoke, seconds). */
export function recordSpan(name: string, options: SpanOptions & { readonly seconds: number }): void {
  const endTime = systemClock.now();
  tracer
    .startSpan(name, { attributes: { ...options.attributes }, startTime: endTime - options.seconds * 1000 }, contextOf(options.parent))
    .end(endTime);
}

/** W3C traceparent of the active span; '' when there is none. */
export const currentTraceparent = (): string => traceparentOf(context.active());

const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A malformed traceparent is another machine's mistake, and a missing one ours: never joined to whatever happened to wake the work. */
function contextOf(parent: string | undefined): Context {
  if (parent === undefined) return context.active();
  const [, traceId = '', spanId = '', flags = '00'] = pattern.exec(parent) ?? [];
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
}

function traceparentOf(from: Context): string {
  const active = trace.getSpanContext(from);
  if (!active || !isSpanContextValid(active)) return '';
  return `00-${active.traceId}-${active.spanId}-${active.traceFlags.toString(16).padStart(2, '0')}`;
}
