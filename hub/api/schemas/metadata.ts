import { z } from 'zod';
import { count, labels, name, time, uid, version } from './words.ts';

const common = {
  name: z.string(),
  uid,
  resourceVersion: z.string().describe('compare for equality, nothing else'),
  creationTimestamp: time,
  labels,
};

export const fleetMetadata = z.object({ ...common, uid: uid.nullable(), generation: count });
export const tenantMetadata = z.object({ tenant: name, ...common });
export const declaredMetadata = z.object({ tenant: name, ...common, generation: count });
/** Of what may concern the fleet as a whole. */
export const recordMetadata = z.object({ tenant: name.nullable(), ...common });

export const listMetadata = z.object({
  resourceVersion: z.string().describe('where a watch that follows on this list begins'),
  continue: z.string().describe("give it as ?continue= for the next page; '': this was the last"),
  remainingItemCount: count.optional(),
  counts: z
    .record(z.string(), z.record(z.string(), count))
    .optional()
    .describe('with ?counts=true: how many of all that matches have which value'),
});

export const resource = <K extends string, M extends z.ZodType, P extends z.ZodType, S extends z.ZodType>(
  kind: K,
  metadata: M,
  spec: P,
  status: S,
) => z.object({ apiVersion: version, kind: z.literal(kind), metadata, spec, status });

export const listOf = <K extends string, T extends z.ZodType>(kind: K, item: T) =>
  z.object({ apiVersion: version, kind: z.literal(`${kind}List` as const), metadata: listMetadata, items: z.array(item).max(500) });
