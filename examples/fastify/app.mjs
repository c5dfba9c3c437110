import Fastify from 'fastify';

const STATUS_OF = {
  ERR_OUT_OF_RANGE: 404, // no such layer
  ERR_MEMORY64_TENSOR_NOT_FOUND: 404,
  ERR_MEMORY64_CAPACITY: 503,
  ERR_MEMORY64_CLOSED: 503,
};
const CLIENT_CLOSED_REQUEST = 499; // nginx's; nobody reads it but the log

const layerSchema = {
  params: { type: 'object', properties: { id: { type: 'integer' } } },
  querystring: { type: 'object', properties: { tensor: { type: 'string' } } },
};

/** A server over one loaded model, which stays the caller's to close. */
export function buildServer(model, options) {
  const server = Fastify(options);
  server.setErrorHandler(answerError);
  hangUpWhenClosing(server);

  server.get('/health', () => {
    const { architecture, layerCount, sizeBytes } = model;
    return { status: 'ok', architecture, layerCount, sizeBytes };
  });

  server.get('/stats', () => model.cacheStats());

  server.get('/layers/:id', { schema: layerSchema }, async (request, reply) => {
    const layer = await model.getLayer(request.params.id, { signal: untilGone(reply) });
    const { tensor } = request.query;
    return tensor ? layer.tensor(tensor).data : describe(layer);
  });

  server.post('/preload', async (request, reply) => {
    await model.preloadAllLayers({ signal: untilGone(reply) });
    return model.cacheStats();
  });

  return server;
}

/** Closing waits for every connection; one that has its answer need not be kept for another. */
function hangUpWhenClosing(server) {
  let closing = false;
  server.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  server.addHook('onSend', (request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done();
  });
}

/**
 * A signal that fires when the client goes without its answer. The response knows: a request, and
 * `request.signal` with it, closes as soon as its body has been read.
 */
function untilGone(reply) {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}

function describe(layer) {
  const tensors = Array.from(layer, ({ name, shape, quantType, data }) => ({
    name,
    shape,
    quantType,
    bytes: data.length,
  }));
  return { id: layer.id, tensors };
}

function answerError(error, request, reply) {
  const status = reply.raw.destroyed
    ? CLIENT_CLOSED_REQUEST
    : (error.statusCode ?? STATUS_OF[error.code] ?? 500);
  if (status === 500) request.log.error(error);
  return reply.code(status).send({ code: error.code, message: error.message });
}
