// Dispatch: composes, fences, signs and publishes each cluster's desired state. The record has it before anybody can see it.
export { compose, type Composed, type Composition, type Placed } from './compose.ts';
export { DispatchError, type DispatchCode } from './errors.ts';
export { signerOf, type DesiredHolder, type DesiredWriter, type Signer } from './port.ts';
export { keysUnpublished } from './record.ts';
export { DispatchService, type DispatchOptions } from './service.ts';
