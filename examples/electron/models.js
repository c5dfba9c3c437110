'use strict';

/**
 * Answers the page's calls, which api.d.ts describes. One model is open at a time.
 *
 * @param {Pick<import('electron').IpcMain, 'handle'>} ipcMain
 * @param {object} needs
 * @param {typeof import('memory64').loadModel} needs.loadModel
 * @param {() => Promise<string | undefined>} needs.chooseFile
 */
function serveModels(ipcMain, { loadModel, chooseFile }) {
  /** @type {import('memory64').Model | undefined} */
  let model;
  let loading = new AbortController();

  answer(ipcMain, 'models:open', async ({ sender }) => {
    const path = await chooseFile();
    if (!path) return null;
    await close();
    loading = new AbortController();
    const { signal } = loading;
    const loaded = await loadModel(path, { memory64: true, signal });
    await preload(loaded, {
      signal,
      onProgress: (fraction) => sender.send('models:progress', fraction),
    });
    model = loaded;
    const { source, architecture, layerCount, sizeBytes } = model;
    return { source, architecture, layerCount, sizeBytes };
  });

  answer(ipcMain, 'models:cancel', () => loading.abort());

  answer(ipcMain, 'models:layer', async (event, id) => {
    if (!model) throw new Error('no model is open');
    const layer = await model.getLayer(id);
    return Array.from(layer, ({ name, shape, quantType, data }) => ({
      name,
      shape,
      quantType,
      bytes: data.length,
    }));
  });

  async function close() {
    loading.abort();
    const closing = model;
    model = undefined;
    await closing?.close();
  }

  return { close };
}

/**
 * Brings the whole model into memory. One that is larger stays open all the same: its layers are
 * loaded when they are asked for.
 *
 * @param {import('memory64').Model} model
 * @param {import('memory64').CallOptions & import('memory64').ProgressOptions} options
 */
async function preload(model, options) {
  try {
    await model.preloadAllLayers(options);
  } catch (error) {
    if (error.code === 'ERR_MEMORY64_CAPACITY') return;
    await model.close();
    throw error;
  }
}

/**
 * @param {Pick<import('electron').IpcMain, 'handle'>} ipcMain
 * @param {string} channel
 * @param {(event: import('electron').IpcMainInvokeEvent, ...args: any[]) => unknown} work
 */
function answer(ipcMain, channel, work) {
  ipcMain.handle(channel, async (event, ...args) => {
    if (!isOurPage(event.senderFrame)) throw new Error(`${channel} is not for this page`);
    try {
      return { value: await work(event, ...args) };
    } catch (error) {
      // Thrown, it would lose its name on the way.
      return { error: { name: error.name, message: error.message } };
    }
  });
}

/** @param {import('electron').WebFrameMain | null} frame */
function isOurPage(frame) {
  return frame !== null && new URL(frame.url).protocol === 'file:';
}

module.exports = { serveModels };
