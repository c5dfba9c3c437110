/**
 * Loads a real model with Memory64 and a small cache, walks its layers twice, and lets it answer a
 * question.
 *
 *     npm run demo                    SmolLM2-135M-Instruct, fetched once
 *     npm run demo -- MODEL.gguf      any model
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { loadModel, Memory64Error } from '../native.mjs';
import { venvProgram } from '../scripts/paths.mjs';

const MAX_CACHED = 4;
const QUESTION = 'Why is the sky blue?';
const MAX_TOKENS = 120;

const bytes = (count) =>
  count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
const ms = (duration) => `${duration.toFixed(duration < 1 ? 3 : 1)} ms`;
const row = (name, value) => console.log(`  ${name.padEnd(28)}${value}`);

function python(script, ...args) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  return execFileSync(venvProgram('python'), [path, ...args], options)
    .trim()
    .split('\n')
    .at(-1);
}

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
}

/** Asks for every layer twice in a row; the second time it is in the cache. */
async function walk(model) {
  const loads = [];
  const hits = [];
  for (let id = 0; id < model.layerCount; id += 1) {
    const [layer, load] = await timed(() => model.getLayer(id));
    const [, hit] = await timed(() => model.getLayer(id));
    layer.close();
    loads.push(load);
    hits.push(hit);
  }
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { load: mean(loads), hit: mean(hits) };
}

/** The digest of a tensor as JavaScript sees it, and as the gguf package reads it from the file. */
async function checksums(model) {
  const layer = await model.getLayer(model.layerCount - 1);
  const [tensor] = [...layer].sort((one, other) => other.data.length - one.data.length);
  return {
    name: tensor.name,
    ours: createHash('sha256').update(tensor.data).digest('hex'),
    files: python('checksum.py', model.source, tensor.name),
  };
}

/** Prints the answer to QUESTION as it comes; a model that was not made to chat goes on with it. */
async function answer(model) {
  const canChat = 'tokenizer.chat_template' in model.metadata;
  const options = { maxTokens: MAX_TOKENS, temperature: 0 };
  const generation = canChat
    ? model.chat([{ role: 'user', content: QUESTION }], options)
    : model.generate(QUESTION, options);
  console.log(`\n${QUESTION}\n`);
  for await (const piece of generation) process.stdout.write(piece);
  const { promptTokens, tokens, firstTokenMs, tokensPerSecond } = generation.usage;
  console.log('\n');
  row('prompt', `${promptTokens} tokens, the first one of the answer after ${ms(firstTokenMs)}`);
  row('answer', `${tokens} tokens, ${tokensPerSecond.toFixed(1)} a second`);
}

async function demo() {
  const path = process.argv[2] ?? python('../models/fetch.py', 'smollm2');

  // The first call in a process starts Python; one for a missing file shows what that takes alone.
  const [, start] = await timed(() => loadModel(`${path}.missing`).catch(() => {}));
  const before = process.memoryUsage.rss();
  const [model, load] = await timed(() =>
    loadModel(path, { memory64: true, maxCached: MAX_CACHED }),
  );
  const after = process.memoryUsage.rss();

  console.log(`\n${model.metadata['general.name'] ?? model.source} (${model.architecture})`);
  row(
    'file',
    `${bytes(model.sizeBytes)}, ${model.layerCount} layers, ${model.tensors.length} tensors`,
  );
  row('starting Python', ms(start));
  row('loading', ms(load));
  row('memory before and after', `${bytes(before)}, ${bytes(after)}`);

  for (const turn of ['first', 'second']) {
    const means = await walk(model);
    row(`${turn} walk, a layer`, `${ms(means.load)} loaded, ${ms(means.hit)} cached`);
  }

  const stats = await model.cacheStats();
  row('cache', `${stats.cachedLayers} layers, ${bytes(stats.residentBytes)} resident`);
  row(
    'requests',
    `${stats.cacheHits} hits, ${stats.cacheMisses} misses, ${stats.evictions} evictions`,
  );
  row('hit rate', `${(stats.hitRate * 100).toFixed(1)} %`);
  row('memory after the walks', bytes(process.memoryUsage.rss()));

  const { name, ours, files } = await checksums(model);
  row(`SHA-256 of ${name}`, '');
  row('  from getLayer', ours);
  row("  from the file's own bytes", files);
  if (ours !== files) {
    console.error('\nThe bytes differ.');
    process.exitCode = 1;
  } else {
    console.log('\nThe bytes are the file’s.');
  }

  await answer(model);
  await model.close();
}

try {
  await demo();
} catch (error) {
  if (!(error instanceof Memory64Error)) throw error;
  console.error(`\n${error.message} [${error.code}]`);
  process.exitCode = 1;
}
