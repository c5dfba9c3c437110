'use strict';

const { models } = window;
const [openButton, progress, cancelButton, status, layers] = [
  'open',
  'progress',
  'cancel',
  'status',
  'layers',
].map((id) => document.getElementById(id));

openButton.addEventListener('click', open);
cancelButton.addEventListener('click', () => models.cancel());
models.onProgress((fraction) => {
  setLoading(true);
  progress.value = fraction;
});

async function open() {
  openButton.disabled = true;
  const { value, error } = await models.open();
  setLoading(false);
  openButton.disabled = false;
  if (error) {
    status.textContent = error.name === 'AbortError' ? 'Cancelled.' : error.message;
    layers.replaceChildren();
  } else if (value) {
    const { source, architecture, layerCount, sizeBytes } = value;
    status.textContent = `${source}: ${architecture}, ${(sizeBytes / 1e9).toFixed(2)} GB`;
    layers.replaceChildren(...Array.from({ length: layerCount }, (_, id) => layerView(id)));
  }
}

function setLoading(loading) {
  progress.hidden = !loading;
  cancelButton.hidden = !loading;
}

/** A layer's number; its tensors are asked for when it is unfolded. */
function layerView(id) {
  const view = document.createElement('details');
  view.append(element('summary', `Layer ${id}`));
  view.addEventListener('toggle', async () => view.append(await tensorList(id)), { once: true });
  return view;
}

async function tensorList(id) {
  const { value, error } = await models.layer(id);
  if (error) return element('p', error.message);
  const lines = value.map(({ name, shape, quantType, bytes }) =>
    element('li', `${name} ${shape.join(' × ')} ${quantType}, ${bytes} bytes`),
  );
  const list = document.createElement('ul');
  list.append(...lines);
  return list;
}

function element(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}
