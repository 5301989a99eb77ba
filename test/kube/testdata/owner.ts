// Starts a fleet, says where, and waits to be killed. The tests' stand-in for a program that ends without a word.
import { startFleet } from '../mod.ts';

const [dir, name] = process.argv.slice(2);
if (!dir || !name) throw new Error('usage: owner.ts DIR NAME');
const fleet = await startFleet({ dir, names: [name] });
const cluster = fleet.cluster(name);
cluster.pause('scheduler'); // a stopped process cannot notice anything by itself
process.stdout.write(`${JSON.stringify(cluster.pids)}\n`);
setInterval(() => {}, 60_000);
