'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const {
  ChatTemplateError,
  ClosedError,
  OutOfBoundsError,
  SessionBusyError,
  SourceError,
  loadModel,
} = require('../../native.js');
const { gemma, smollm2 } = require('./models.js');
const { runPython } = require('./python.js');
const { untilBusy } = require('./threads.js');

const PROMPT = 'The capital of France is';
const QUESTION = [{ role: 'user', content: 'What is 2+2?' }];
const greedy = { temperature: 0 };

let model;
beforeAll(async () => {
  model = await loadModel(smollm2(), { memory64: true });
});
afterAll(() => model.close());

describe('model.generate', () => {
  test('gives the text in pieces, and what it took', async () => {
    const generation = model.generate(PROMPT, { ...greedy, maxTokens: 8 });
    const pieces = [];
    for await (const piece of generation) pieces.push(piece);
    expect(pieces.join('')).toContain('Paris');
    expect(pieces.every(Boolean)).toBe(true);
    expect(generation.finishReason).toBe('length');
    expect(generation.usage).toEqual({
      promptTokens: 5,
      cachedTokens: 0,
      tokens: 8,
      firstTokenMs: expect.any(Number),
      tokensPerSecond: expect.any(Number),
    });
  });

  test('goes on from tokens as from their text', async () => {
    const tokens = await model.tokenize(PROMPT);
    expect(await model.detokenize(tokens)).toBe(PROMPT);
    const options = { ...greedy, maxTokens: 4 };
    const texts = [PROMPT, tokens, Uint32Array.from(tokens)].map((prompt) =>
      model.generate(prompt, options).text(),
    );
    expect(new Set(await Promise.all(texts)).size).toBe(1);
  });

  test('ends at a stop string', async () => {
    const whole = await model.generate(PROMPT, { ...greedy, maxTokens: 20 }).text();
    const stop = whole.slice(9, 13);
    const generation = model.generate(PROMPT, { ...greedy, maxTokens: 20, stop });
    expect(await generation.text()).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(generation.finishReason).toBe('stop');
  });

  test('takes the same tokens with the same seed', async () => {
    const options = { temperature: 1.5, topP: 1, topK: 0, minP: 0, seed: 2n ** 63n, maxTokens: 12 };
    const first = await model.generate(PROMPT, options).text();
    expect(await model.generate(PROMPT, options).text()).toBe(first);
  });

  test('keeps the log-probabilities that Python has', async () => {
    const script = `
import dataclasses, json, memory64, sys
with memory64.load_model(sys.argv[1], memory64=True) as model:
    generation = model.generate(sys.argv[2], temperature=0, max_tokens=6, logprobs=3)
    text = "".join(generation)
print(json.dumps([text, list(map(dataclasses.asdict, generation.logprobs))]))`;
    const [text, theirs] = JSON.parse(runPython('-c', script, smollm2(), PROMPT));
    const generation = model.generate(PROMPT, { ...greedy, maxTokens: 6, logprobs: 3 });
    expect(generation.logprobs).toEqual([]);
    expect(await generation.text()).toBe(text);
    const top = ({ token, logprob }) => ({ token, logprob });
    expect(generation.logprobs).toEqual(
      theirs.map((each) => ({ ...each, top: each.top.map(top) })),
    );
    expect(generation.logprobs.map(({ token }) => token)).toEqual(
      generation.logprobs.map((each) => each.top[0].token),
    );
    expect(await model.detokenize(generation.logprobs.map(({ token }) => token))).toBe(text);
  });

  test('keeps log-probabilities as they come, and none unless asked', async () => {
    const counts = [];
    const generation = model.generate(PROMPT, { ...greedy, maxTokens: 4, logprobs: 0 });
    for await (const piece of generation) counts.push([piece, generation.logprobs.length]);
    expect(counts.map(([, count]) => count)).toEqual([1, 2, 3, 4]);
    expect(generation.logprobs.every(({ top }) => top.length === 0)).toBe(true);
    const other = model.generate(PROMPT, { ...greedy, maxTokens: 4 });
    await other.text();
    expect(other.logprobs).toEqual([]);
  });

  test('tells how it goes on', async () => {
    const told = [];
    const onStats = (stats) => told.push(stats);
    const generation = model.generate(PROMPT, { ...greedy, maxTokens: 6, onStats });
    await generation.text();
    const last = told.at(-1);
    expect(last).toEqual({
      tokens: 6,
      tokensPerSecond: expect.any(Number),
      readBytesPerSecond: expect.any(Number),
      stallMs: expect.any(Number),
      stream: await model.streamStats(),
    });
    expect(last.stream).toMatchObject({ keptBytes: 96576768, streamedBytes: 0 });
    const thrown = new Error('enough');
    const stopped = model.generate(PROMPT, {
      ...greedy,
      maxTokens: 2,
      onStats: () => {
        throw thrown;
      },
    });
    await expect(stopped.text()).rejects.toBe(thrown);
  });

  test('ends when the loop is left', async () => {
    const generation = model.generate(PROMPT, greedy);
    for await (const piece of generation) {
      expect(piece).not.toBe('');
      break;
    }
    expect(generation.finishReason).toBe('closed');
    expect(await generation.next()).toEqual({ value: undefined, done: true });
  });

  test('rejects with the signal’s reason, and the model goes on', async () => {
    const controller = new AbortController();
    const generation = model.generate(PROMPT, { ...greedy, signal: controller.signal });
    const reason = new Error('enough');
    const read = async () => {
      for await (const piece of generation) {
        expect(piece).not.toBe('');
        controller.abort(reason);
      }
    };
    await expect(read()).rejects.toBe(reason);
    expect(generation.finishReason).toBe('closed');
    const late = model.generate(PROMPT, { ...greedy, signal: controller.signal });
    await expect(late.next()).rejects.toBe(reason);
    expect(await model.generate(PROMPT, { ...greedy, maxTokens: 4 }).text()).toContain('Paris');
  });

  test('rejects with the signal’s reason in the middle of a piece', async () => {
    const session = await model.session({ contextLength: 2048 });
    const controller = new AbortController();
    const prompt = Array(2000).fill(1);
    const generation = session.generate(prompt, { ...greedy, signal: controller.signal });
    const first = generation.next();
    await untilBusy();
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(first).rejects.toBe(reason);
    await session.close(); // nothing uses it any more
  });

  test.each([
    [{ onStats: 1 }, TypeError],
    [{ temperature: -1 }, RangeError],
    [{ temperature: '1' }, TypeError],
    [{ maxTokens: 0 }, RangeError],
    [{ maxTokens: 1.5 }, RangeError],
    [{ stop: [1] }, TypeError],
    [{ stop: [''] }, RangeError],
    [{ seed: -1 }, RangeError],
    [{ seed: 'x' }, TypeError],
    [{ topK: 0.5 }, TypeError],
    [{ logprobs: '1' }, TypeError],
    [{ logprobs: -1 }, RangeError],
  ])('refuses %p', async (options, ErrorClass) => {
    const generate = async () => await model.generate(PROMPT, options).next();
    await expect(generate()).rejects.toBeInstanceOf(ErrorClass);
  });

  test.each([[undefined], [3], [{}], [['a']], [[1.5]]])('refuses the prompt %p', (prompt) => {
    expect(() => model.generate(prompt)).toThrow(TypeError);
  });

  test('refuses tokens that there are not', async () => {
    const generation = model.generate([1, 49152]);
    await expect(generation.next()).rejects.toBeInstanceOf(OutOfBoundsError);
    expect(generation.finishReason).toBe('error');
    expect(await generation.next()).toEqual({ value: undefined, done: true });
    await expect(model.generate([]).next()).rejects.toThrow(RangeError);
  });
});

describe('model.chat', () => {
  test('answers and ends by itself', async () => {
    const generation = model.chat(QUESTION, { ...greedy, maxTokens: 60 });
    expect(await generation.text()).toContain('4');
    expect(generation.finishReason).toBe('end');
  });

  test('says of a base model that it does not chat', async () => {
    const base = await loadModel(gemma(), { memory64: true });
    await expect(base.chat(QUESTION).next()).rejects.toBeInstanceOf(ChatTemplateError);
    await base.close();
  });

  test.each([[undefined], ['Hello'], [[{ role: 'user' }]], [[null]]])('refuses %p', (messages) => {
    expect(() => model.chat(messages)).toThrow(TypeError);
  });
});

describe('a session', () => {
  let sessions = [];
  const newSession = async (contextLength) => {
    const session = await model.session({ contextLength });
    sessions.push(session);
    return session;
  };
  afterEach(async () => {
    await Promise.all(sessions.map((session) => session.close()));
    sessions = [];
  });

  test('computes what is new only', async () => {
    const session = await newSession(256);
    expect(session.contextLength).toBe(256);
    expect(session.memoryBytes).toBe(await model.sessionBytes({ contextLength: 256 }));
    await session.generate(PROMPT, { ...greedy, maxTokens: 1 }).text();
    const longer = session.generate(`${PROMPT} Paris, and`, { ...greedy, maxTokens: 1 });
    await longer.text();
    expect(longer.usage.cachedTokens).toBeGreaterThanOrEqual(5);
  });

  test('gives the logits of each token', async () => {
    const session = await newSession(64);
    const tokens = await model.tokenize(PROMPT);
    const rows = await session.logits(tokens);
    expect(rows.map((row) => row.length)).toEqual(tokens.map(() => 49152));
    const last = rows.at(-1);
    const best = last.indexOf(Math.max(...last));
    const text = await model.generate(PROMPT, { ...greedy, maxTokens: 1 }).text();
    expect(await model.detokenize([best])).toBe(text);
    expect(await session.tokens()).toEqual(tokens);
    await session.clear();
    expect(await session.tokens()).toEqual([]);
  });

  test('continues from a file exactly', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
    const file = path.join(folder, 'saved');
    try {
      const session = await newSession(64);
      const restored = await newSession(64);
      await session.logits([1, 2, 3]);
      await session.save(file);
      await restored.restore(file);
      expect(await restored.logits([4])).toEqual(await session.logits([4]));
      fs.truncateSync(file, 100);
      await expect(restored.restore(file)).rejects.toBeInstanceOf(SourceError);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  test('does one thing at a time', async () => {
    const session = await newSession(256);
    const generation = session.generate(PROMPT, greedy);
    await generation.next();
    await expect(session.logits([1])).rejects.toBeInstanceOf(SessionBusyError);
    await generation.return();
    expect(await session.logits([1])).toHaveLength(1);
  });

  test('ends with its model', async () => {
    const other = await loadModel(smollm2(), { memory64: true });
    const session = await other.session({ contextLength: 16 });
    await other.close();
    await expect(session.logits([1])).rejects.toBeInstanceOf(ClosedError);
    await session.close();
  });

  test.each([[0], [-1], [1.5], [2 ** 40]])('cannot have room for %p tokens', async (length) => {
    await expect(model.session({ contextLength: length })).rejects.toThrow(RangeError);
  });
});

test('alike texts have alike embeddings', async () => {
  const norm = (a) => Math.hypot(...a);
  const similarity = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0) / norm(a) / norm(b);
  const texts = ['A cat is sleeping on the sofa.', 'The kitten naps on the couch.', 'Rates rose.'];
  const [cat, kitten, rates] = await Promise.all(texts.map((text) => model.embed(text)));
  expect(cat).toHaveLength(576);
  expect(similarity(cat, kitten)).toBeGreaterThan(similarity(cat, rates));
  await expect(model.embed(texts[0], { pooling: 'max' })).rejects.toThrow(TypeError);
});

test('layers are had while text is made', async () => {
  const generation = model.generate(PROMPT, { ...greedy, maxTokens: 20 });
  const text = generation.text();
  for (let id = 0; id < model.layerCount; id += 1) {
    const layer = await model.getLayer(id);
    layer.close();
  }
  expect(await text).toContain('Paris');
});
