'use strict';

const { contextBridge, ipcRenderer } = require('electron');

/** @type {import('./api').ModelsApi} */
const models = {
  open: () => ipcRenderer.invoke('models:open'),
  cancel: () => ipcRenderer.invoke('models:cancel'),
  layer: (id) => ipcRenderer.invoke('models:layer', id),
  // The event leads to the main process; only the number is for the page.
  onProgress: (listener) => {
    ipcRenderer.on('models:progress', (event, fraction) => listener(fraction));
  },
};

contextBridge.exposeInMainWorld('models', models);
