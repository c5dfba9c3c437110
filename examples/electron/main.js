'use strict';

// memory64 speaks Node-API alone, so what npm built for Node needs no electron-rebuild. It lives in
// this process; the page is sandboxed and gets plain values.

const { app, BrowserWindow, dialog, ipcMain } = require('electron');
const { loadModel } = require('memory64');
const path = require('node:path');

const { serveModels } = require('./models.js');

async function chooseFile() {
  const filters = [{ name: 'GGUF models', extensions: ['gguf'] }];
  const { filePaths } = await dialog.showOpenDialog({ filters, properties: ['openFile'] });
  return filePaths[0];
}

function openWindow() {
  const window = new BrowserWindow({
    webPreferences: {
      preload: path.join(__dirname, 'preload.js'),
      contextIsolation: true,
      nodeIntegration: false,
      sandbox: true,
    },
  });
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  window.webContents.on('will-navigate', (event) => event.preventDefault());
  window.loadFile('index.html');
}

const models = serveModels(ipcMain, { loadModel, chooseFile });

app.whenReady().then(openWindow);
app.on('window-all-closed', () => app.quit());

// Loading stops and the model is closed before the process goes; exit() does not come here again.
app.on('will-quit', (event) => {
  event.preventDefault();
  models.close().finally(() => app.exit());
});
