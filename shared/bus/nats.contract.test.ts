import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { startNats } from '#deploy/local/servers/mod.ts';
import { busContract } from './contract.ts';
import { NatsFixture } from './testing/nats.ts';

busContract('NATS', () => NatsFixture.open(startNats, temporaryFolder('bus')));
