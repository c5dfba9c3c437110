'use strict';

const { CapacityError, ClosedError, loadModel } = require('../../native.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

let model;
beforeAll(async () => {
  model = await loadModel(smollm2(), { memory64: true, threads: 1 });
});
afterAll(() => model.close());

/** As Python has it, under JavaScript's names. */
function renamed(value) {
  if (Array.isArray(value)) return value.map(renamed);
  if (value === null || typeof value !== 'object') return value;
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const entries = Object.entries(value).map(([name, each]) => [camel(name), renamed(each)]);
  return Object.fromEntries(entries);
}

test('a plan is the one that Python makes', async () => {
  const plan = await model.plan({ memoryBytes: 2 ** 31, contextLength: 100 });
  const script = `
import dataclasses, json, memory64, sys
with memory64.load_model(sys.argv[1], memory64=True, threads=1) as model:
    print(json.dumps(dataclasses.asdict(model.plan(2**31, context_length=100))))`;
  expect(plan).toEqual(renamed(JSON.parse(runPython('-c', script, smollm2()))));
  expect(plan).toMatchObject({ memoryBytes: 2 ** 31, keptBytes: 96576768, streamedBytes: 0 });
  expect(plan.withMore).toEqual([]);
  const anew = await model.plan({ memoryBytes: 2 ** 31, contextLength: 100, measureAnew: true });
  expect(anew.computeRate).not.toEqual(plan.computeRate);
});

test('a plan that cannot be made', async () => {
  await expect(model.plan({ memoryBytes: 2 ** 20 })).rejects.toThrow(CapacityError);
  await expect(model.plan({ contextLength: 10 ** 6 })).rejects.toThrow(RangeError);
  await expect(model.plan({ memoryBytes: '1G' })).rejects.toThrow(TypeError);
  await expect(model.plan({ memoryBytes: 0 })).rejects.toThrow(RangeError);
  await expect(model.plan({ measureAnew: 1 })).rejects.toThrow(TypeError);
  const reason = new Error('enough');
  const measuring = model.plan({ measureAnew: true, signal: AbortSignal.abort(reason) });
  await expect(measuring).rejects.toBe(reason);
  const closed = await loadModel(smollm2(), { memory64: true });
  await closed.close();
  await expect(closed.plan()).rejects.toThrow(ClosedError);
  await expect(closed.streamStats()).rejects.toThrow(ClosedError);
});
