import { systemClock } from '../../shared/clock/mod.ts';
import { kubeContract } from './contract.ts';
import { MemoryKube } from './memory.ts';
import type { KubeObject } from './port.ts';

const kube = new MemoryKube({ clock: systemClock });

const merged = (target: unknown, patch: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const result: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch))
    result[key] = typeof value === 'object' && value !== null ? merged(result[key], value as Record<string, unknown>) : value;
  return result;
};

kubeContract('memory', () => ({
  client: kube,
  interfere: async (object, patch) => void kube.put(merged(object, patch) as unknown as KubeObject),
  expire: () => kube.compact(),
}));
