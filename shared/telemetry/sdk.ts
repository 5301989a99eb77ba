import { context, trace } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';

export interface TelemetryOptions {
  /** service.name: wheelhouse-hub, wheelhouse-spoke. */
  readonly service: string;
  readonly version: string;
  /** OTLP/HTTP base URL, e.g. http://127.0.0.1:4318; absent and no exporter: nothing is loaded and nothing recorded. */
  readonly endpoint?: string | undefined;
  /** Instead of OTLP. */
  readonly exporter?: SpanExporter;
}

/** Loads the SDK only when there is somewhere to export to. Resolves with what flushes and stops it. */
export async function startTelemetry(options: TelemetryOptions): Promise<{ stop(): Promise<void> }> {
  if (!options.exporter && !options.endpoint) return { stop: async () => undefined };
  const [{ TracerProvider, BatchSpanProcessor, SimpleSpanProcessor }, { AsyncLocalStorageContextManager }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/resources'),
    ]);
  const processor = options.exporter
    ? new SimpleSpanProcessor({ exporter: options.exporter })
    : new BatchSpanProcessor({ exporter: await otlpExporter(options.endpoint ?? '') });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service, 'service.version': options.version }),
    spanProcessors: [processor],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return {
    stop: async () => {
      await provider.shutdown();
      trace.disable();
      context.disable();
    },
  };
}

async function otlpExporter(endpoint: string): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  return new OTLPTraceExporter({ url: new URL('v1/traces', endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href });
}

/** Keeps finished spans in memory: for tests. */
export async function memoryExporter(): Promise<
  SpanExporter & {
    getFinishedSpans(): { name: string; spanContext(): { traceId: string; spanId: string }; attributes: Record<string, unknown> }[];
  }
> {
  const { InMemorySpanExporter } = await import('@opentelemetry/sdk-trace');
  return new InMemorySpanExporter();
}
