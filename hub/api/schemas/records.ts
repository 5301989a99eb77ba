import { z } from 'zod';
import { recordMetadata, resource } from './metadata.ts';
import { changedBy, component, count, name, time } from './words.ts';

// What has happened.

const regarding = z.object({ kind: z.string(), tenant: name.nullable(), name: z.string() });
const related = z
  .object({ cluster: z.string().nullable(), app: z.string().nullable(), environment: z.string().nullable() })
  .describe('what else it concerns');

export const event = component(
  'Event',
  resource(
    'Event',
    recordMetadata,
    z.object({
      at: time.describe('when it happened last'),
      firstAt: time,
      count: count.describe('how often it happened since firstAt'),
      type: z.enum(['Normal', 'Warning']),
      reason: z.string(),
      message: z.string(),
      regarding,
      related,
      actor: z
        .string()
        .describe("who did it: user:, git:, or the manager: of the fields that were changed in a cluster; '' for what was observed"),
      changedBy: changedBy.nullable().describe('who had set what was wanted there'),
    }),
    z.object({}),
  ),
);

export const auditRecord = component(
  'AuditRecord',
  resource(
    'AuditRecord',
    recordMetadata,
    z.object({
      at: time,
      actor: z.string(),
      action: z.string(),
      subject: z.string().describe('Kind/name or Kind/tenant/name'),
      reason: z.string(),
      detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
      hash: z.string().describe('covers this record and, through the one before, all earlier ones'),
    }),
    z.object({}),
  ),
);

export type Event = z.output<typeof event>;
export type AuditRecord = z.output<typeof auditRecord>;
