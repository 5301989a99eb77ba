// The inventory of an assignment as it is kept: the objects that it owns, in bounded bytes that are read back strictly or not at all. Pure.
export { decodeInventory, encodeInventory, inventoryEntriesMax, InventoryError, type InventoryCode } from './codec.ts';
