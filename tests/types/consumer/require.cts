// A program that requires the package, for package.test.js to compile and run.
import memory64 = require('memory64');
import { loadModel, type Model } from 'memory64';

const load: typeof loadModel = memory64.loadModel;
const opened: Promise<Model> = load(process.argv[2]);
opened.then(async (model) => {
  const { data } = (await model.getLayer(3)).tensor('attn_q.weight');
  await model.close();
  const code: string = await model.getLayer(3).then(
    () => 'none',
    (error: memory64.ClosedError) => error.code,
  );
  console.log(JSON.stringify({ bytes: Buffer.from(data).toString('base64'), code }));
});

declare const Buffer: { from(data: Uint8Array): { toString(encoding: 'base64'): string } };
declare const process: { argv: string[] };
