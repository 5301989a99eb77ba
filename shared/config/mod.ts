// Configuration, parsed once at start, with every problem at once. `process.env` appears in main files only.
export { ConfigError, ConfigReader, type Env } from './reader.ts';
