/**
 * The fastify example in a process that has more to do: until it is told to stop, one large model
 * is preloaded again and again, and another one is opened, read and closed.
 *
 *     node tests/js/busy-server.mjs MODEL LARGE_MODEL ANOTHER_MODEL
 *
 * Ends on SIGTERM and prints how often it did both.
 */
import process from 'node:process';

import { buildServer } from '../../examples/fastify/app.mjs';
import { loadModel } from '../../native.mjs';

const [path, largePath, anotherPath] = process.argv.slice(2);
const done = { preloads: 0, openings: 0 };
let stopping = false;

async function preloadRepeatedly() {
  const large = await loadModel(largePath);
  do {
    await large.preloadAllLayers();
    await large.clearCache();
    done.preloads += 1;
  } while (!stopping);
  await large.close();
}

async function openRepeatedly() {
  do {
    const another = await loadModel(anotherPath, { memory64: true });
    await another.getLayer(done.openings % another.layerCount);
    await another.close();
    done.openings += 1;
  } while (!stopping);
}

const model = await loadModel(path, { memory64: true, maxCached: 8 });
const server = buildServer(model);
const work = Promise.all([preloadRepeatedly(), openRepeatedly()]);

process.once('SIGTERM', async () => {
  stopping = true;
  await server.close();
  await work;
  await model.close();
  console.log(JSON.stringify(done));
});

console.log(`listening on ${await server.listen({ host: '127.0.0.1', port: 0 })}`);
