// Load, prompt and decode with node-llama-cpp: PATH THREADS PROMPTED DECODED.
import fs from 'node:fs';
import { performance } from 'node:perf_hooks';
import { getLlama } from 'node-llama-cpp';

const [path, ...numbers] = process.argv.slice(2);
const [threads, prompted, decoded] = numbers.map(Number);

function anonymousBytes() {
  const line = fs.readFileSync('/proc/self/smaps_rollup', 'utf8').match(/^Anonymous:\s+(\d+)/m);
  return Number(line[1]) * 1024;
}

const before = anonymousBytes();
const started = performance.now();
const llama = await getLlama({
  gpu: false,
  build: 'never',
  logLevel: 'error',
  maxThreads: threads,
});
const model = await llama.loadModel({ modelPath: path });
const size = prompted + decoded;
const context = await model.createContext({ contextSize: size, batchSize: prompted, threads });
const sequence = context.getSequence();

// Each evaluation gives the token that follows, which makes it wait for the logits.
async function evaluate(tokens) {
  const answer = sequence.evaluate(tokens, { temperature: 0 });
  await answer.next();
  await answer.return();
}

const prompting = performance.now();
await evaluate(Array.from({ length: prompted }, (_, index) => 100 + index));
const decoding = performance.now();
for (let index = 0; index < decoded; index += 1) await evaluate([100 + index]);
const ended = performance.now();
console.log(
  JSON.stringify({
    firstTokenSeconds: (decoding - started) / 1000,
    promptRate: (prompted * 1000) / (decoding - prompting),
    decodeRate: (decoded * 1000) / (ended - decoding),
    anonymousBytes: anonymousBytes() - before,
  }),
);
process.exit();
