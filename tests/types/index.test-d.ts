import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd';

import {
  BatchResult,
  CacheStats,
  ClosedError,
  Generation,
  GenerationBatch,
  Guest,
  GuestError,
  GuestOptions,
  GuestResult,
  GuestTimeoutError,
  Layer,
  loadModel,
  LoadOptions,
  Memory64Error,
  MetadataArray,
  MetadataScalar,
  MetadataValue,
  Model,
  PickedLogprob,
  Session,
  SourceError,
  SourceNotFoundError,
  Tensor,
  TensorInfo,
  TokenLogprob,
  LiveStats,
  ModelPlan,
  StreamStats,
} from '../..';

const { signal } = new AbortController();

expectType<Promise<Model>>(loadModel('model.gguf'));
expectType<Promise<Model>>(loadModel(new URL('file:///model.gguf'), {}));
expectAssignable<LoadOptions>({
  memory64: 'auto',
  maxCached: 4,
  capacityBytes: 1e9,
  policy: 'lru',
  prefetch: 0,
  layout: [{ name: 'layers', sizeGb: 4 }],
  signal,
  onProgress: (fraction: number) => fraction.toFixed(),
});
expectAssignable<LoadOptions>({ policy: { pinned: [0, 1] } });
expectNotAssignable<LoadOptions>({ memory64: 'yes' });
expectNotAssignable<LoadOptions>({ policy: 'mru' });
expectNotAssignable<LoadOptions>({ layout: [['layers', 4]] });
expectError(loadModel());
expectNotAssignable<new () => Model>(Model);

const model = await loadModel('model.gguf');
expectType<string>(model.source);
expectType<string>(model.architecture);
expectType<number>(model.layerCount);
expectType<number>(model.sizeBytes);
expectType<boolean>(model.memory64);
expectType<readonly TensorInfo[]>(model.tensors);
expectType<MetadataValue | undefined>(model.metadata.absent as MetadataValue | undefined);
expectError((model.layerCount = 3));

expectType<Promise<Layer>>(model.getLayer(0, { signal }));
expectError(model.getLayer('0'));
expectError(model.getLayer(0, { onProgress: () => {} }));
expectType<Promise<Float32Array>>(model.loadTensor('output.weight', { signal }));
expectType<Promise<void>>(model.preloadAllLayers({ signal, onProgress: () => {} }));
expectType<Promise<CacheStats>>(model.cacheStats());
expectType<Promise<StreamStats | null>>(model.streamStats());
expectType<Promise<ModelPlan>>(model.plan());
expectType<Promise<ModelPlan>>(model.plan({ memoryBytes: 1, contextLength: 1, measureAnew: true }));
expectError(model.plan({ memory: 1 }));
expectType<number | null>((await model.plan()).withMore[0].tokensPerSecond);
model.generate('', { onStats: (stats) => expectType<LiveStats>(stats) });
expectType<Promise<void>>(model.clearCache());
expectType<Promise<void>>(model.close());
expectAssignable<AsyncDisposable>(model);
expectAssignable<AsyncIterable<Layer>>(model);

const layer = await model.getLayer(0);
expectType<number>(layer.id);
expectType<Tensor>(layer.tensor('attn_q.weight'));
expectAssignable<Disposable>(layer);
for (const tensor of layer) {
  expectType<Tensor>(tensor);
  expectType<string>(tensor.name);
  expectType<readonly number[]>(tensor.shape);
  expectType<string>(tensor.quantType);
  expectAssignable<Uint8Array>(tensor.data);
  expectType<Promise<Float32Array>>(tensor.dequantize());
}

declare const value: MetadataValue;
if (value instanceof MetadataArray) {
  expectType<number>(value.length);
  expectType<Promise<MetadataScalar[]>>(value.read());
}

expectType<Promise<Guest>>(model.guest('guest.wasm'));
expectType<Promise<Guest>>(model.guest(new URL('file:///guest.wasm'), { signal }));
expectType<Promise<Guest>>(model.guest(new Uint8Array(8).buffer, {}));
expectAssignable<GuestOptions>({
  memoryBytes: 1 << 20,
  tableElements: 10,
  timeoutMs: 0.5,
  fuel: 1e9,
  wasi: true,
  signal,
});
expectNotAssignable<GuestOptions>({ fuel: 1n });
expectError(model.guest([0, 97, 115, 109]));
expectNotAssignable<new () => Guest>(Guest);

const guest = await model.guest(new Uint8Array(8));
expectType<string>(guest.exports.sum);
expectError((guest.exports.sum = 'other'));
expectType<Promise<GuestResult>>(guest.call('sum', 3, 7n));
expectType<Promise<GuestResult>>(guest.call('sum', 3, 7n, { signal, timeoutMs: 100 }));
expectType<Promise<GuestResult>>(guest.call('sum', ...[1, 2, 3]));
expectType<Promise<bigint>>(guest.call<bigint>('sum'));
expectError(guest.call('sum', '3'));
expectError(guest.call('sum', { signal }, 3));
expectError(guest.call('sum', { fuel: 3 }));
expectError(guest.call<string>('sum'));
expectType<Promise<Uint8Array>>(guest.read(0, 8, { signal }));
expectType<Promise<void>>(guest.write(0, new Float32Array(2)));
expectError(guest.write(0, [1, 2]));
expectType<Promise<number>>(guest.memoryBytes());
expectType<Promise<void>>(guest.close());
expectAssignable<AsyncDisposable>(guest);

const error = new ClosedError('closed', { cause: 1 });
expectAssignable<Memory64Error>(error);
expectAssignable<Error>(error);
expectAssignable<SourceError>(new SourceNotFoundError('missing'));
expectAssignable<GuestError>(new GuestTimeoutError('too long'));
expectType<string>(error.code);
expectType<string>(ClosedError.code);

const generation = model.generate('Once upon a time', { maxTokens: 5, stop: ['.'], seed: 1n });
expectType<Generation>(generation);
expectType<Promise<string>>(generation.text());
expectType<number>(generation.usage.tokensPerSecond);
expectType<'end' | 'stop' | 'length' | 'closed' | 'error' | null>(generation.finishReason);
expectType<readonly PickedLogprob[]>(model.generate('Once', { logprobs: 2 }).logprobs);
expectType<readonly TokenLogprob[]>(generation.logprobs[0].top);
expectError(model.generate('Once', { logprobs: true }));
expectAssignable<AsyncIterable<string>>(model.chat([{ role: 'user', content: 'Hello' }]));
expectError(model.generate(3));

const batch = model.generateBatch(['Once', [1, 2]], { maxTokens: 5 });
expectType<GenerationBatch>(batch);
expectAssignable<AsyncIterable<{ index: number; piece: string }>>(batch);
expectType<Promise<string[]>>(batch.texts());
expectType<readonly BatchResult[]>(batch.results);
expectType<string>(batch.results[0].text);
expectType<'end' | 'stop' | 'length' | 'closed' | 'error' | null>(batch.results[0].finishReason);
expectError(model.generateBatch('Once'));
expectError(model.chat('Hello'));
expectType<Promise<Session>>(model.session({ contextLength: 64 }));
declare const session: Session;
expectType<Promise<Float32Array[]>>(session.logits(Uint32Array.of(1, 2)));
expectType<Promise<void>>(session.save(new URL('file:///saved')));
expectType<Promise<number[]>>(model.tokenize('Hello', { addSpecial: false }));
expectType<Promise<Float32Array>>(model.embed('Hello', { pooling: 'last' }));
