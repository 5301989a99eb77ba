import { z } from 'zod';
import type { Operation } from './operations/operation.ts';
import { catalogue } from './problems/catalogue.ts';
import { problem } from './schemas/answers.ts';
import { components } from './schemas/words.ts';

type Json = Record<string, unknown>;

const reference = (id: string): string => `#/components/schemas/${id}`;
const conversion = { target: 'draft-2020-12', io: 'input', unrepresentable: 'any' } as const;

/** A schema of the document: those with a name are referred to. */
function schemaOf(schema: z.ZodType): Json {
  const id = components.get(schema)?.id;
  if (id !== undefined) return { $ref: reference(id) };
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    ...conversion,
    metadata: components,
    uri: reference,
  } as z.core.ToJSONSchemaParams) as Json;
  return json;
}

function named(): Json {
  const { schemas } = z.toJSONSchema(components, { ...conversion, uri: reference });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => {
      const { $schema: _, $id: __, id: ___, ...json } = schema as Json;
      return [id, json];
    }),
  );
}

/** OpenAPI 3.1 of these operations: made of the very schemas that requests are read and answers are typed by. */
export function openApiOf(operations: readonly Operation[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = (paths[operation.path] ??= {});
    path[operation.method.toLowerCase()] = describe(operation);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Wheelhouse',
      version,
      summary: 'Manages a fleet of Kubernetes clusters from one hub',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: { schemas: named(), securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}

function describe(operation: Operation): Json {
  const { id, summary, params, query, body, scope, changes } = operation;
  const parameters = [
    ...parametersOf(params, 'path'),
    ...parametersOf(query, 'query'),
    ...(changes ? [header('Idempotency-Key', 'the same again within 24 hours gets the first answer')] : []),
    ...(operation.conditional ? [header('If-Match', 'resourceVersion that it was read at')] : []),
    ...(operation.watchable ? [header('Last-Event-ID', 'of a watch: go on from there')] : []),
  ];
  return {
    operationId: id,
    summary,
    tags: [
      operation.path.split('/').find((part) => part !== '' && part !== 'v1alpha1' && part !== 'tenants' && !part.startsWith('{')) ??
        'tenants',
    ],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: body === 'set', content: bodyContent(body) } }),
    responses: { '200': { description: 'done', content: answerContent(operation) }, default: failure },
    ...(scope === 'none' ? { security: [] } : { 'x-scope': scope }),
  };
}

const header = (name: string, description: string): Json => ({ name, in: 'header', description, schema: { type: 'string' } });

function parametersOf(schema: z.ZodObject, place: 'path' | 'query'): Json[] {
  return Object.entries(schema.shape).map(([name, one]) => {
    const { description, ...json } = schemaOf(one as z.ZodType);
    return { name, in: place, required: place === 'path', ...(description === undefined ? {} : { description }), schema: json };
  });
}

const text = { schema: { type: 'string', description: 'one or more resources' } };

const bodyContent = (body: NonNullable<Operation['body']>): Json =>
  body === 'set' ? { 'application/yaml': text, 'application/json': { schema: {} } } : { 'application/json': { schema: schemaOf(body) } };

const answerContent = ({ answer, watchable }: Operation): Json => ({
  'application/json': { schema: schemaOf(answer) },
  ...(watchable && { 'text/event-stream': { schema: { type: 'string', description: 'events added, modified, deleted, bookmark' } } }),
});

const failure = {
  description: `one of ${Object.keys(catalogue).join(', ')}`,
  content: { 'application/problem+json': { schema: { $ref: reference(components.get(problem)?.id ?? '') } } },
};
