// PATH CAPACITY_BYTES: seconds of a `for await` over all layers, and what was in memory meanwhile.
import { performance } from 'node:perf_hooks';
import { loadModel } from '../../native.mjs';
import { held } from './memory.mjs';

const [path, capacityBytes] = process.argv.slice(2);

const model = await loadModel(path, { capacityBytes: Number(capacityBytes) });
const before = held().residentBytes;
let bytes = 0;
const started = performance.now();
for await (const layer of model) {
  for (const { data } of layer) bytes += data.length;
  layer.close();
}
const seconds = (performance.now() - started) / 1000;
// The most there has been at any moment, which no sample could miss.
const residentBytes = process.resourceUsage().maxRSS * 1024 - before;
const { prefetchHits, stallMs } = await model.cacheStats();
await model.close();
console.log(JSON.stringify({ seconds, bytes, residentBytes, prefetchHits, stallMs }));
