import { z } from 'zod';
import { name } from './words.ts';

/** How many of anything one answer holds at most. */
export const pageMax = 500;

export const listQuery = z.object({
  tenant: name.optional(),
  labelSelector: z.string().max(2048).optional().describe('a=b,c!=d,e in (x,y),f,!f'),
  fieldSelector: z.string().max(2048).optional().describe('status.health=Degraded,spec.environment!=prod'),
  sort: z.string().max(64).optional().describe('one of the orders of the kind; - before it reverses'),
  limit: z.coerce.number().int().min(1).max(pageMax).default(100),
  continue: z.string().max(2048).optional(),
  counts: z.stringbool().default(false),
  fields: z.string().max(2048).optional().describe('only those parts: metadata.name,status.health'),
  watch: z.stringbool().default(false),
  resourceVersion: z.string().max(64).optional().describe('of a list: watch from there on'),
});
export type ListQuery = z.output<typeof listQuery>;

export const oneQuery = z.object({ fields: listQuery.shape.fields });
