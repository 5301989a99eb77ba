import type { Memory } from './document.ts';
import { painted, wrapped, type Look } from './lines.ts';
import type { Ports } from './ports.ts';

export interface Summary {
  /** `6 sandbox clusters` */
  readonly clusters: string;
  /** One file, with a context for each. */
  readonly kubeconfig: string;
  readonly page: string;
  readonly data: string;
  /** It is removed at the end. */
  readonly isTemporary: boolean;
  /** What to type for the data folder. */
  readonly fleet: string;
  readonly ports: Ports;
  /** The first of them, as an example. */
  readonly context: string | undefined;
  readonly memory: Memory;
  readonly spokes: number;
}

const nameWidth = 10;

/** Where everything is, once it is there: what somebody comes back to. Pure. */
export function summaryLines(summary: Summary, look: Look): readonly string[] {
  const { page, kubeconfig, data, isTemporary, fleet, ports, context, clusters, memory, spokes } = summary;
  const kept = isTemporary ? 'removed at the end: --data DIR keeps it' : 'kept: the same --data goes on from here';
  const { gateway, enrolment, api, nats, registry, git } = ports;
  const rows: readonly (readonly [string, string])[] = [
    ['page', `${page} (lets one browser in, within ten minutes; another link: wheelhouse page)`],
    ['clusters', `${clusters}: kubectl --kubeconfig ${kubeconfig}${context === undefined ? '' : ` --context ${context}`} get pods -A`],
    ['ports', `hub ${api}, gateway ${gateway}, enrolment ${enrolment}, NATS ${nats}, registry ${registry}, Git ${git}; on 127.0.0.1`],
    ['data', `${data} (${kept})`],
    ['memory', memoryText(memory, spokes)],
    ['shell', `. ${fleet}/env      then wheelhouse, git and kubectl mean this fleet`],
  ];
  return rows.flatMap(([name, text]) => {
    const [first = '', ...more] = wrapped(text, Math.max(40, look.columns - nameWidth));
    return [painted(name.padEnd(nameWidth), 'quiet', look) + first, ...more.map((part) => ' '.repeat(nameWidth) + part)];
  });
}

/** Resident, of the processes that are ours. */
export function memoryText({ hubMiB, spokesMiB, sandboxMiB }: Memory, spokes: number): string {
  const parts = [
    hubMiB === null ? [] : [`hub ${hubMiB} MiB`],
    spokesMiB === null ? [] : [`${spokes} ${spokes === 1 ? 'spoke' : 'spokes'} ${spokesMiB} MiB`],
    sandboxMiB === null ? [] : [`sandboxes ${sandboxMiB} MiB`],
  ].flat();
  return parts.length === 0 ? 'this system does not tell' : parts.join(', ');
}
