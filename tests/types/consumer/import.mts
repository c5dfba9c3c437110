// A program that imports the package, for package.test.js to compile and run.
import memory64, { ClosedError, loadModel, type Layer, type Model } from 'memory64';

const load: typeof loadModel = memory64.loadModel;
const model: Model = await load(process.argv[2]);
const layer: Layer = await model.getLayer(3);
const { data } = layer.tensor('attn_q.weight');
await model.close();
const code: string = await model.getLayer(3).then(
  () => 'none',
  (error: ClosedError) => error.code,
);
console.log(JSON.stringify({ bytes: Buffer.from(data).toString('base64'), code }));

declare const Buffer: { from(data: Uint8Array): { toString(encoding: 'base64'): string } };
declare const process: { argv: string[] };
