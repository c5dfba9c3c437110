// PATH: prints when each step on the way to the first layer was over, in seconds since 1970.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const path = process.argv[2];
const now = () => (performance.timeOrigin + performance.now()) / 1000;

const over = { 'node starts': now() };
const { loadModel } = createRequire(import.meta.url)('../../native.js');
over["require('./native')"] = now();
const model = await loadModel(path);
over['loadModel, which starts Python'] = now();
const firstByte = (await model.getLayer(0)).tensor('attn_q.weight').data[0];
over['getLayer, first byte read'] = now();
console.log(JSON.stringify({ over, firstByte }));
await model.close();
