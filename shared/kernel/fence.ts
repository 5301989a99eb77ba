/** The fence of a cluster's desired state: compared as a pair, epoch first; it only ever rises. */
export interface Fence {
  readonly epoch: number;
  readonly generation: number;
}

/** Below 0: a is older. 0: the same. Above 0: a is newer. */
export const compareFence = (a: Fence, b: Fence): number => (a.epoch === b.epoch ? a.generation - b.generation : a.epoch - b.epoch);

export const fenceText = (fence: Fence): string => `${fence.epoch}/${fence.generation}`;
