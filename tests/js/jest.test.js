'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { root, runNode } = require('./child.js');
const { digest, digestInFile } = require('./digest.js');
const { smollm2 } = require('./models.js');

const model = smollm2();
const digestOf3 = digestInFile(model, 3);

test('each module registry has a package of its own, and they do not disturb one another', async () => {
  const first = require('../../native.js');
  const opened = await first.loadModel(model, { memory64: true });
  for (let round = 0; round < 5; round += 1) {
    jest.resetModules();
    const fresh = require('../../native.js');
    expect(fresh.loadModel).not.toBe(first.loadModel);

    const error = await fresh.loadModel(`${model}.nix`).catch((reason) => reason);
    expect(error).toBeInstanceOf(fresh.SourceNotFoundError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(first.SourceNotFoundError);

    const again = await fresh.loadModel(model, { memory64: true });
    expect(digest(await again.getLayer(3))).toBe(digestOf3);
    expect(digest(await opened.getLayer(3))).toBe(digestOf3);
    await again.close();
  }
  await opened.close();
});

describe('a run of jest', () => {
  let folder;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  /** Notes down which worker it runs in, and may leave a call under way. */
  function testFile(leave) {
    return `
      const fs = require('node:fs');
      const { threadId } = require('node:worker_threads');
      const { loadModel } = require(${JSON.stringify(path.join(root, 'native.js'))});
      const { digest } = require(${JSON.stringify(path.join(root, 'tests', 'js', 'digest.js'))});

      test('gives the layer', async () => {
        fs.appendFileSync(${JSON.stringify(path.join(folder, 'workers'))}, process.pid + '.' + threadId + '\\n');
        const model = await loadModel(${JSON.stringify(model)}, { memory64: true });
        expect(digest(await model.getLayer(3))).toBe('${digestOf3}');
        ${leave}
      });
    `;
  }

  function runJest(options) {
    const config = {
      rootDir: folder,
      transform: {},
      maxWorkers: 2,
      workerIdleMemoryLimit: 1024, // exceeded at once, so that every file has a new worker
      ...options,
    };
    const jestProgram = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    return runNode([jestProgram, '--ci', '--config', JSON.stringify(config)]);
  }

  test.each([
    ['in processes', {}],
    ['in threads', { workerThreads: true }],
  ])('recycles its workers, and ends by itself: %s', (_, options) => {
    const leaves = [
      'await model.close();',
      '',
      'model.preloadAllLayers();',
      "model.loadTensor('token_embd.weight');",
      'setImmediate(() => model.preloadAllLayers());',
      'await model.preloadAllLayers();',
    ];
    leaves.forEach((leave, index) => {
      fs.writeFileSync(path.join(folder, `${index}.test.js`), testFile(leave));
    });
    const { status, signal, stderr } = runJest(options);
    expect({ status, signal }).toEqual({ status: 0, signal: null });
    expect(stderr).toContain(`Tests:       ${leaves.length} passed`);
    expect(stderr).not.toMatch(/did not exit|failed to exit|open handle|crashed|terminated/i);
    const workers = fs.readFileSync(path.join(folder, 'workers'), 'utf8').trim().split('\n');
    expect(new Set(workers).size).toBeGreaterThan(2);
  });
});
