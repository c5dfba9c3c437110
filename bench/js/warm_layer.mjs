// PATH PASSES: seconds that getLayer of each layer takes, and the private memory it costs in bytes.
import { performance } from 'node:perf_hooks';
import { loadModel } from '../../native.mjs';
import { held } from './memory.mjs';

const [path, passes] = process.argv.slice(2);

const model = await loadModel(path);
const seconds = [];
const grown = [];
for (let call = 0; call < passes * model.layerCount; call += 1) {
  const before = held().anonymousBytes;
  const started = performance.now();
  await model.getLayer(call % model.layerCount);
  seconds.push((performance.now() - started) / 1000);
  grown.push(held().anonymousBytes - before);
  await model.clearCache();
}
console.log(JSON.stringify({ seconds, grown }));
await model.close();
