// What somebody takes in hand at a second terminal: one file to read into a shell, after which wheelhouse, git and kubectl mean this fleet.
export { linkFleet, type Link } from './links.ts';
export { writeShell, type Shell, type ShellOptions } from './shells.ts';
