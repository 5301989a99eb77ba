import { z } from 'zod';
import { fleetStatusOf } from '../kinds/status.ts';
import { fleetStatus, liveness, readiness } from '../schemas/answers.ts';
import type { Operation } from './operation.ts';
import { contextOf, type ReadOptions } from './reads.ts';

export interface Trouble {
  readonly settling: boolean;
  readonly recordBehind: string | null;
}

const nothing = z.object({});

/** The fleet as a whole, and whether the hub is there at all. */
export const fleetOperations = (options: ReadOptions, trouble: () => Trouble): readonly Operation[] => [
  {
    id: 'fleetStatus',
    method: 'GET',
    path: '/v1alpha1/status',
    scope: 'read',
    summary: 'The fleet in one bounded answer: counts, the worst first, what is moving',
    params: nothing,
    query: nothing,
    answer: fleetStatus,
    handle: async (asked) => {
      const { read, moment } = contextOf(options, asked.moment);
      return fleetStatusOf(read, moment, trouble().recordBehind);
    },
  },
  {
    id: 'live',
    method: 'GET',
    path: '/healthz',
    scope: 'none',
    summary: 'Whether the process answers',
    params: nothing,
    query: nothing,
    answer: liveness,
    handle: async () => ({ ok: true }),
  },
  {
    id: 'ready',
    method: 'GET',
    path: '/readyz',
    scope: 'none',
    summary: 'Whether the hub takes part, and what holds it back',
    params: nothing,
    query: nothing,
    answer: readiness,
    handle: async () => ({ ok: true, ...trouble() }),
  },
];
