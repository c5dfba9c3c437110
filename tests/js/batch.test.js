'use strict';

const { CapacityError, OutOfBoundsError, loadModel } = require('../../native.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');
const { untilBusy } = require('./threads.js');

const PROMPTS = ['The capital of France is', 'Once upon a time', 'Water boils at'];
const greedy = { temperature: 0 };

const reasons = (batch) => batch.results.map(({ finishReason }) => finishReason);

let model;
beforeAll(async () => {
  model = await loadModel(smollm2(), { memory64: true });
});
afterAll(() => model.close());

test('gives what Python gives', async () => {
  const script = `
import dataclasses, json, memory64, sys
with memory64.load_model(sys.argv[1], memory64=True) as model:
    batch = model.generate_batch(json.loads(sys.argv[2]), max_tokens=8, seed=5, logprobs=1)
    texts = batch.texts()
print(json.dumps([texts, [r.finish_reason for r in batch.results],
    [list(map(dataclasses.asdict, r.logprobs)) for r in batch.results]]))`;
  const theirs = JSON.parse(runPython('-c', script, smollm2(), JSON.stringify(PROMPTS)));
  const batch = model.generateBatch(PROMPTS, { maxTokens: 8, seed: 5, logprobs: 1 });
  const texts = await batch.texts();
  const top = ({ token, logprob }) => ({ token, logprob });
  expect([texts, reasons(batch), batch.results.map(({ logprobs }) => logprobs)]).toEqual([
    theirs[0],
    theirs[1],
    theirs[2].map((all) => all.map((each) => ({ ...each, top: each.top.map(top) }))),
  ]);
});

test('gives each text in pieces, the last one empty', async () => {
  const batch = model.generateBatch(PROMPTS, { ...greedy, maxTokens: 6 });
  expect(batch.results.map(({ text }) => text)).toEqual(['', '', '']);
  const pieces = PROMPTS.map(() => []);
  for await (const { index, piece } of batch) {
    pieces[index].push(piece);
    if (piece === '') expect(batch.results[index].finishReason).toBe('length');
  }
  expect(pieces.every((each) => each.indexOf('') === each.length - 1)).toBe(true);
  expect(pieces.map((each) => each.join(''))).toEqual(batch.results.map(({ text }) => text));
  expect(batch.results[0].text).toContain('Paris');
  for (const { usage } of batch.results) {
    expect(usage).toEqual({
      promptTokens: expect.any(Number),
      cachedTokens: 0,
      tokens: 6,
      firstTokenMs: expect.any(Number),
      tokensPerSecond: expect.any(Number),
    });
  }
});

test('takes tokens, and stops for each text', async () => {
  const [whole] = await model.generateBatch([PROMPTS[0]], { ...greedy, maxTokens: 6 }).texts();
  expect(whole).toContain('Paris');
  const prompts = [await model.tokenize(PROMPTS[0]), Uint32Array.of(1)];
  const batch = model.generateBatch(prompts, { ...greedy, maxTokens: 6, stop: 'aris' });
  expect((await batch.texts())[0]).toBe(whole.slice(0, whole.indexOf('aris')));
  expect(reasons(batch)).toEqual(['stop', 'length']);
});

test('ends when the loop is left', async () => {
  const batch = model.generateBatch(PROMPTS, greedy);
  for await (const { piece } of batch) {
    expect(piece).not.toBe('');
    break;
  }
  expect(reasons(batch)).toEqual(Array(3).fill('closed'));
  expect(await batch.next()).toEqual({ value: undefined, done: true });
});

test('rejects with the signal’s reason in the middle of a step, and the model goes on', async () => {
  const controller = new AbortController();
  const prompts = Array.from({ length: 4 }, () => Array(2000).fill(1));
  const batch = model.generateBatch(prompts, { ...greedy, signal: controller.signal });
  const first = batch.next();
  await untilBusy();
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(first).rejects.toBe(reason);
  expect(reasons(batch)).toEqual(Array(4).fill('closed'));
  expect(await batch.next()).toEqual({ value: undefined, done: true });
  const next = model.generateBatch(PROMPTS, { ...greedy, maxTokens: 2 });
  expect((await next.texts())[0]).toContain('Paris');
});

test('tells how it goes on, and ends by what that throws', async () => {
  const told = [];
  const batch = model.generateBatch(PROMPTS, {
    ...greedy,
    maxTokens: 3,
    onStats: (stats) => told.push(stats),
  });
  await batch.texts();
  expect(told.at(-1)).toMatchObject({ tokens: 9, stream: await model.streamStats() });
  const thrown = new Error('enough');
  const stopped = model.generateBatch(PROMPTS, {
    ...greedy,
    onStats: () => {
      throw thrown;
    },
  });
  await expect(stopped.texts()).rejects.toBe(thrown);
  expect(reasons(stopped)).toEqual(Array(3).fill('error'));
});

test('makes nothing of no prompts', async () => {
  const batch = model.generateBatch([]);
  expect(await batch.texts()).toEqual([]);
  expect(batch.results).toEqual([]);
});

test.each([[undefined], ['Once'], [[3]], [[{}]], [[['a']]]])(
  'refuses the prompts %p',
  (prompts) => {
    expect(() => model.generateBatch(prompts)).toThrow(TypeError);
  },
);

test('refuses what the model does not take', async () => {
  const ask = (prompts, options) => model.generateBatch(prompts, options).next();
  await expect(ask([[1], [49152]])).rejects.toBeInstanceOf(OutOfBoundsError);
  await expect(ask([[1], []])).rejects.toThrow(RangeError);
  await expect(ask([Array(8193).fill(1)])).rejects.toBeInstanceOf(CapacityError);
  await expect(ask([[1]], { temperature: -1 })).rejects.toThrow(RangeError);
  expect(() => ask([[1]], { onStats: 5 })).toThrow(/onStats must be a function, got 5/);
});
