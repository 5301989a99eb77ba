// What an API server of Kubernetes does with objects: no HTTP, no disk, no clock or chance of its own. The sandbox is one behind HTTPS, the spoke's in-memory
// cluster one behind the spoke's own port.
export { definition } from './controllers/endings.ts';
export { play, type Rules, type Seen, type Wish } from './controllers/player.ts';
export { ApiError, badRequest, invalid, notImplemented, refusal } from './errors.ts';
export { condition, isTrue } from './objects/conditions.ts';
export { uuidFrom } from './objects/identities.ts';
export { apiVersionOf, Kinds, tableOf, type Kind } from './objects/kinds.ts';
export { fieldSelector, labelSelector, type Selects } from './objects/selectors.ts';
export { keyOf, Store, type StoreEvent } from './objects/store.ts';
export { Writes, type DeleteOptions, type Verb, type WriteRequest } from './objects/writes.ts';
export { columns } from './schemas/tables.ts';
export { at, docAt, isDoc, isList, listAt, same, textAt, timestamp, withAt, type Doc, type Stored } from './values.ts';
