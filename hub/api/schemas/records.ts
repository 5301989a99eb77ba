import { z } from 'zod';
import { recordMetadata, resource } from './metadata.ts';
import { component, name, time } from './words.ts';

// What has happened.

const regarding = z.object({ kind: z.string(), tenant: name.nullable(), name: z.string() });

export const event = component(
  'Event',
  resource(
    'Event',
    recordMetadata,
    z.object({
      at: time,
      type: z.enum(['Normal', 'Warning']),
      reason: z.string(),
      message: z.string(),
      regarding,
      actor: z.string().describe("who did it; '' for what was observed"),
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
