// A hub as a part of another program: what main.ts does, without the process around it.
export { hubConfig, type HubConfig } from './config.ts';
export { keysDir, recordFile, startHub, type Hub, type HubParts } from './hub.ts';
