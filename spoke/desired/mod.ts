// Desired state as it arrives: judged, kept, handed on.
export { judge, type Floor, type HashedFence, type Judgement, type RefusalOutcome, type Self } from './judge.ts';
export { Receiver, type ReceiverOptions, type Stored } from './receiver.ts';
