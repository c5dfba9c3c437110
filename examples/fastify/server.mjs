import { parseArgs } from 'node:util';

import { loadModel } from 'memory64';

import { buildServer } from './app.mjs';

const USAGE = `Usage: node server.mjs MODEL.gguf [options]

  --host HOST             where to listen (127.0.0.1)
  --port PORT             0 takes a free one (8080)
  --capacity-bytes BYTES  the most bytes of layers to keep in memory
  --log                   log every request
  --help

  GET  /health            the model
  GET  /stats             what is in its cache
  GET  /layers/3          a layer's tensors; ?tensor=attn_q.weight gives the bytes of one
  POST /preload           brings every layer into memory`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    'capacity-bytes': { type: 'string' },
    log: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

if (flags.help) {
  console.log(USAGE);
} else if (positionals.length !== 1) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await serve(positionals[0]);
}

async function serve(path) {
  const capacity = flags['capacity-bytes'];
  const model = await loadModel(path, { capacityBytes: capacity && Number(capacity) });

  const server = buildServer(model, { logger: flags.log });
  server.addHook('onClose', () => model.close());
  // Answers what was asked, then closes. A second signal ends the process as it is.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close());

  console.log(`listening on ${await server.listen({ host: flags.host, port: flags.port })}`);
}
