/// <reference lib="esnext.disposable" />

/**
 * Opens a GGUF file, or a split one by any of its parts.
 *
 * Above 3,000,000,000 bytes weights stay in the file until a layer is asked for, so a model may
 * be far larger than the machine's memory.
 *
 * @param source A path, or a `file:` URL as an object or a string.
 * @throws {SourceNotFoundError} There is no such file.
 * @throws {SourceError} It cannot be opened or read (a directory, no permission).
 * @throws {GGUFFormatError} It is not a GGUF file, or contradicts itself.
 * @throws {LayoutError} `options.layout` cannot hold the model.
 * @throws {CapacityError} A model to be loaded whole needs more than `capacityBytes`.
 * @throws {TypeError | RangeError} An argument is wrong.
 * @example
 * const { loadModel } = require('memory64');
 * const model = await loadModel('model.gguf', { maxCached: 4 });
 * const layer = await model.getLayer(0);
 * console.log(layer.tensor('attn_q.weight').data);
 * await model.close();
 */
export function loadModel(source: string | URL, options?: LoadOptions): Promise<Model>;

/** How to load a model. */
export interface LoadOptions extends CallOptions, ProgressOptions {
  /**
   * Whether the weights live in memory64 regions. `'auto'`: where the file is larger than
   * 3,000,000,000 bytes; smaller models are simply loaded whole.
   * @default 'auto'
   */
  memory64?: 'auto' | boolean;
  /**
   * The most layers to keep resident. By default as many as fit in the memory there is. Without
   * Memory64 all of them are kept.
   */
  maxCached?: number;
  /** The most bytes of layers to keep resident. By default taken from the memory there is. */
  capacityBytes?: number;
  /**
   * Which layer goes when room is needed:
   *
   * - `'lru'`: the one used longest ago.
   * - `'cyclic'`: the one just used. The best there is for walks over all layers time and again,
   *   on which `'lru'` never hits.
   * - `'auto'`: begins as `'lru'`, and changes to `'cyclic'` or back when what was asked for shows
   *   that the other would hit more.
   * - `{ pinned: [0, 1, 2] }`: any but these, while there is room for them; the others go as with
   *   `'auto'`.
   * @default 'lru'
   */
  policy?: 'lru' | 'cyclic' | 'auto' | { readonly pinned: readonly number[] };
  /**
   * How many bytes of layers a `for await` over the model may load ahead of the one in hand, within
   * `capacityBytes`; 0 for none.
   * @default two layers
   */
  prefetch?: number;
  /**
   * How many threads compute when the model is run.
   * @default the cores that the process may use
   */
  threads?: number;
  /** The named regions to place the model in. By default chosen for the model. */
  layout?: readonly Region[];
}

/** One region of a layout. */
export interface Region {
  /**
   * Says what goes where: `'embeddings'`, `'layers_0_15'`, `'head'`. Any other name takes what the
   * named ones leave.
   */
  name: string;
  /** Whole GiB. */
  sizeGb: number;
}

/** What every call that can take time accepts. */
export interface CallOptions {
  /**
   * Stops the call: it rejects with `signal.reason` at once, and the work behind it ends soon
   * after.
   */
  signal?: AbortSignal;
}

/** What calls with several steps accept besides. */
export interface ProgressOptions {
  /** Gets growing fractions, the last one 1. What it throws stops the call and is its reason. */
  onProgress?(fraction: number): void;
}

/** A loaded model. Iterating over it gives its layers, one after the other. */
export class Model implements AsyncDisposable, AsyncIterable<Layer> {
  private constructor();
  /** The file it was loaded from. */
  readonly source: string;
  /** The value of `general.architecture`, for example `'llama'`. */
  readonly architecture: string;
  /** How many layers there are, numbered from 0. */
  readonly layerCount: number;
  /** The size of the file, or of all parts of a split one. */
  readonly sizeBytes: number;
  /** Whether the weights live in memory64 regions. */
  readonly memory64: boolean;
  /** The file's metadata. */
  readonly metadata: Metadata;
  /** Every tensor, in the file's order. */
  readonly tensors: readonly TensorInfo[];

  /**
   * Makes a layer resident. The same layer gives the same memory for as long as somebody holds it.
   * @throws {RangeError} There is no such layer.
   * @throws {CapacityError} There is no room for it.
   * @throws {SourceChangedError} The file was changed after it was loaded.
   * @throws {ClosedError} The model is closed.
   */
  getLayer(id: number, options?: CallOptions): Promise<Layer>;
  /**
   * The values of any tensor of the model, rows first, in memory of its own.
   * @param name Its whole name, for example `'blk.0.attn_q.weight'`.
   * @throws {TensorNotFoundError} There is no such tensor.
   * @throws {UnsupportedQuantTypeError} It is stored in a type that cannot be dequantised.
   * @throws {ClosedError} The model is closed.
   */
  loadTensor(name: string, options?: CallOptions): Promise<Float32Array>;
  /**
   * Makes every layer resident; from then on `maxCached` is the count of layers.
   * @throws {CapacityError} They do not all fit; then none is loaded.
   * @throws {ClosedError} The model is closed.
   */
  preloadAllLayers(options?: CallOptions & ProgressOptions): Promise<void>;
  /**
   * Instantiates WebAssembly that reads the model: by the functions of module `env`, or in place
   * from the memories `memory64.region_NAME`.
   * @param wasm A path or a `file:` URL of a `.wasm` or `.wat` file, or the content of one.
   * @throws {GuestModuleError} It is not valid, or imports what there is not.
   * @throws {GuestTrapError} Its start function trapped.
   * @throws {SourceNotFoundError | SourceError} There is no such file, or it cannot be read.
   * @throws {SourceChangedError} The model's file was changed after it was loaded.
   * @throws {ClosedError} The model is closed.
   * @throws {TypeError | RangeError} An argument is wrong.
   * @example
   * const guest = await model.guest('sum.wasm', { timeoutMs: 1000 });
   * console.log(guest.exports); // { sum: '(i32, i64) -> i64' }
   * console.log(await guest.call('sum', 3, 7n)); // 10n
   * await guest.close();
   */
  guest(wasm: string | URL | ArrayBuffer | ArrayBufferView, options?: GuestOptions): Promise<Guest>;
  /**
   * Continues a text, piece by piece. It begins when the first piece is asked for, which needs the
   * whole prompt to be computed; leaving the loop ends it.
   * @param prompt A text, or the tokens of one.
   * @example
   * for await (const piece of model.generate('Once upon a time', { maxTokens: 100 })) {
   *   process.stdout.write(piece);
   * }
   */
  generate(prompt: string | ArrayLike<number>, options?: GenerateOptions): Generation;
  /**
   * Continues several texts at once: each layer is read once per step for all of them. What finds
   * no place waits until another text has ended. An empty piece tells that a text has ended.
   * @param prompts Texts, or the tokens of texts.
   * @param options The same for all but for `seed`: to that of `prompts[i]`, `i` is added.
   * @example
   * const batch = model.generateBatch(['Once upon a time', 'The capital of'], { maxTokens: 50 });
   * for await (const { index, piece } of batch) {
   *   console.log(index, piece || batch.results[index].finishReason);
   * }
   */
  generateBatch(
    prompts: readonly (string | ArrayLike<number>)[],
    options?: GenerateOptions,
  ): GenerationBatch;
  /**
   * Answers a conversation, as the model's own chat template puts it. For one that goes on,
   * `session` computes what is new only.
   * @example
   * await model.chat([{ role: 'user', content: 'Why is the sky blue?' }]).text();
   */
  chat(messages: readonly Message[], options?: GenerateOptions): Generation;
  /**
   * A sequence of tokens of its own, which keeps what the model has seen.
   * @throws {UnsupportedArchitectureError | UnsupportedQuantTypeError} The model cannot be run.
   * @throws {GGUFFormatError} Its numbers or tensors contradict each other.
   * @throws {CapacityError} The process has no room for it.
   * @throws {RangeError} The model was not made for so many tokens.
   * @throws {ClosedError} The model is closed.
   */
  session(options?: SessionOptions & CallOptions): Promise<Session>;
  /** The bytes that a session of that length takes once it is full. */
  sessionBytes(options?: SessionOptions): Promise<number>;
  /**
   * The tokens of a text.
   * @throws {TokenizerError} The file has no tokenizer that is known.
   */
  tokenize(text: string, options?: TokenizeOptions): Promise<number[]>;
  /**
   * The text of tokens, without marks; what is not UTF-8 becomes U+FFFD.
   * @throws {OutOfBoundsError} There is no such token.
   * @throws {TokenizerError} The file has no tokenizer that is known.
   */
  detokenize(tokens: ArrayLike<number>): Promise<string>;
  /**
   * What the last layer makes of a text, as one vector, which is not normalised.
   * @throws {UnsupportedArchitectureError | UnsupportedQuantTypeError} The model cannot be run.
   */
  embed(text: string | ArrayLike<number>, options?: EmbedOptions): Promise<Float32Array>;
  /**
   * What running the model will be like: what stays in memory, what streams from the disk, how
   * fast text comes. Measures the disk and the processor for seconds, once.
   * @throws {CapacityError} The weights that are needed at once find no room.
   * @throws {UnsupportedArchitectureError | UnsupportedQuantTypeError} The model cannot be run.
   * @throws {GGUFFormatError} Its numbers or tensors contradict each other.
   * @throws {RangeError} The model was not made for so many tokens.
   * @throws {ClosedError} The model is closed.
   * @example
   * const { keptBytes, streamedBytes, tokensPerSecond } = await model.plan({ memoryBytes: 2 ** 31 });
   */
  plan(options?: PlanOptions): Promise<ModelPlan>;
  /**
   * How the weights went through memory while the model was run; null where they are copies.
   * @throws {ClosedError} The model is closed.
   */
  streamStats(): Promise<StreamStats | null>;
  /** @throws {ClosedError} The model is closed. */
  cacheStats(): Promise<CacheStats>;
  /**
   * Gives the memory of all layers back that nobody holds. Layers and data in use stay true.
   * @throws {ClosedError} The model is closed.
   */
  clearCache(): Promise<void>;
  /**
   * Waits for calls under way and closes the model, its guests and its sessions. Data in use stays true. Closing
   * twice is fine.
   */
  close(): Promise<void>;
  /** Closes the model at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
  /** The layers in order. While one is in hand, those after it are already being loaded. */
  [Symbol.asyncIterator](): AsyncGenerator<Layer, void, undefined>;
}

/** How text is generated. */
export interface GenerateOptions {
  /** Stops the generation: the loop over it throws `signal.reason`. */
  signal?: AbortSignal;
  /** How many tokens at most; as many as fit by default. */
  maxTokens?: number;
  /** What ends the generation, and is not given out. */
  stop?: string | readonly string[];
  /**
   * 0 always picks the most probable token.
   * @default 0.8
   */
  temperature?: number;
  /**
   * Only so many of the most probable tokens are picked from; 0 for all.
   * @default 40
   */
  topK?: number;
  /**
   * Only the most probable tokens that make up this share are picked from.
   * @default 0.95
   */
  topP?: number;
  /**
   * Only tokens with at least this share of the first one's probability are picked from.
   * @default 0.05
   */
  minP?: number;
  /**
   * Makes tokens that occurred less probable; 1 does not.
   * @default 1
   */
  repeatPenalty?: number;
  /**
   * In how many tokens before they are looked for; -1 for all.
   * @default 64
   */
  repeatLastN?: number;
  /** The same seed picks the same tokens. */
  seed?: number | bigint;
  /**
   * Keeps the log-probability of each token in `generation.logprobs`, and those of so many others
   * beside it.
   */
  logprobs?: number;
  /**
   * Told about once a second how it goes on, and at its end, before the piece that is next. What
   * it throws ends the generation.
   */
  onStats?(stats: LiveStats): void;
}

/** What is planned for. */
export interface PlanOptions extends CallOptions {
  /**
   * What the process has, as a control group's limit.
   * @default what there is
   */
  memoryBytes?: number;
  /**
   * How many tokens' keys and values are to find room.
   * @default 512, or as many as the model was made for if these are fewer
   */
  contextLength?: number;
  /**
   * Measures what was measured before too.
   * @default false
   */
  measureAnew?: boolean;
}

/** What was measured. */
export interface Rate {
  /** Of weights. */
  readonly bytesPerSecond: number;
  /** The day, as `'2026-11-23'`. */
  readonly measured: string;
}

/** What running a model is like with so much memory. */
export interface Outlook {
  /** What the process has, a tenth of which is left free. */
  readonly memoryBytes: number;
  /** Weights that stay in memory. */
  readonly keptBytes: number;
  /** Weights that are read from the disk for each token. */
  readonly streamedBytes: number;
  /** Expected, not measured; null where a rate is not known that it depends on. */
  readonly tokensPerSecond: number | null;
}

/** What running a model will be like. Only the two rates were measured. */
export interface ModelPlan extends Outlook {
  /** Tokens of a session. */
  readonly contextLength: number;
  /** What their keys and values take once it is full. */
  readonly sessionBytes: number;
  /** What each token reads of the weights, from memory or from the disk. */
  readonly weightsBytes: number;
  /** How many compute. */
  readonly threads: number;
  /** How fast these get through weights in memory. */
  readonly computeRate: Rate;
  /** How fast weights come from the disk; null where none has to, or where it cannot be told. */
  readonly diskRate: Rate | null;
  /** The same with more memory, up to where everything stays that `capacityBytes` lets stay. */
  readonly withMore: readonly Outlook[];
}

/** How the weights of a model go through memory. */
export interface StreamStats {
  /** What stays in memory, once it is there. */
  readonly keptBytes: number;
  /** What each token reads anew. */
  readonly streamedBytes: number;
  /** In memory now. */
  readonly residentBytes: number;
  /** The largest `residentBytes` there has been. */
  readonly peakBytes: number;
  /** Brought in so far. */
  readonly readBytes: number;
  /** In which computing waited for weights. */
  readonly stallMs: number;
}

/** A generation under way. */
export interface LiveStats {
  /** Made so far; of a batch, those of all its texts. */
  readonly tokens: number;
  /** Since the time before. */
  readonly tokensPerSecond: number;
  /** Of weights brought into memory, since the time before. */
  readonly readBytesPerSecond: number;
  /** In which computing has waited for weights since the generation began. */
  readonly stallMs: number;
  /** How the weights went through memory so far; null where they are copies. */
  readonly stream: StreamStats | null;
}

/** A part of a conversation. */
export interface Message {
  /** Whose: `'system'`, `'user'` or `'assistant'`. */
  role: string;
  /** What was said. */
  content: string;
}

/** How large a session is. */
export interface SessionOptions {
  /**
   * How many tokens there is room for.
   * @default 4096; fewer if the model was made for fewer, or if they would take more than a quarter of
   * the memory
   */
  contextLength?: number;
}

/** How text becomes tokens. */
export interface TokenizeOptions {
  /**
   * With the marks that the model wants at the beginning and the end.
   * @default true
   */
  addSpecial?: boolean;
  /**
   * Marks that are written out in the text count as such.
   * @default false
   */
  parseSpecial?: boolean;
}

/** What an embedding is made of. */
export interface EmbedOptions extends CallOptions {
  /**
   * The mean over all tokens, or what is made of the last one.
   * @default 'mean'
   */
  pooling?: 'mean' | 'last';
}

/** How probable the model found a token in its place, before temperature and the like. */
export interface TokenLogprob {
  /** The token. */
  readonly token: number;
  /** The natural logarithm of its probability. */
  readonly logprob: number;
}

/** The same of a token that was picked. */
export interface PickedLogprob extends TokenLogprob {
  /** The most probable tokens for that place, the most probable first. */
  readonly top: readonly TokenLogprob[];
}

/** What a generation took so far; final at its end. */
export interface Usage {
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** How many of these the session had seen already. */
  readonly cachedTokens: number;
  /** Tokens made. */
  readonly tokens: number;
  /** Until the prompt was seen and the first token known. */
  readonly firstTokenMs: number;
  /** Of the tokens after the first. */
  readonly tokensPerSecond: number;
}

/**
 * Text that a model is making. Iterating over it gives pieces, each whole UTF-8 and never empty.
 * @throws {TokenizerError | ChatTemplateError} The file's own cannot be used.
 * @throws {CapacityError} There is no room for the prompt.
 * @throws {SessionBusyError} Another call is using the session.
 * @throws {GuestTrapError} The file made the engine trap.
 */
export class Generation implements AsyncIterableIterator<string>, AsyncDisposable {
  private constructor();
  /** How it stands. */
  readonly usage: Usage;
  /**
   * null while it goes on; then `'end'`: the model ended its text, `'stop'`: a stop string came,
   * `'length'`: no more tokens were allowed or fitted, `'closed'`: it was left, `'error'`:
   * what it threw ended it.
   */
  readonly finishReason: 'end' | 'stop' | 'length' | 'closed' | 'error' | null;
  /** Of each token made so far, if they were asked for: a piece may be of several tokens. */
  readonly logprobs: readonly PickedLogprob[];
  /** The next piece. */
  next(): Promise<IteratorResult<string, undefined>>;
  /** Ends it; a piece on its way is not waited for. */
  return(): Promise<IteratorResult<string, undefined>>;
  /** All of it, or all that is left, as one string. */
  text(): Promise<string>;
  /** Itself. */
  [Symbol.asyncIterator](): this;
  /** Ends it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A piece of one of several texts. */
export interface BatchPiece {
  /** Of the prompt. */
  readonly index: number;
  /** Whole UTF-8; `''` where the text has ended. */
  readonly piece: string;
}

/** What became of one of several prompts so far; final once its empty piece has come. */
export interface BatchResult {
  /** All pieces. */
  readonly text: string;
  /** How it stands. The first token's time includes the wait for a place. */
  readonly usage: Usage;
  /** As of a `Generation`. */
  readonly finishReason: 'end' | 'stop' | 'length' | 'closed' | 'error' | null;
  /** As of a `Generation`. */
  readonly logprobs: readonly PickedLogprob[];
}

/**
 * Texts that a model is making of several prompts. Iterating over it gives their pieces as they
 * come.
 * @throws {OutOfBoundsError} A prompt has tokens that there are not.
 * @throws {CapacityError} A prompt is too long, or there is no room for any.
 * @throws {TokenizerError} The file's own cannot be used.
 * @throws {GuestTrapError} The file made the engine trap.
 */
export class GenerationBatch implements AsyncIterableIterator<BatchPiece>, AsyncDisposable {
  private constructor();
  /** Of each prompt. */
  readonly results: readonly BatchResult[];
  /** All texts, each whole. */
  texts(): Promise<string[]>;
  /** The next piece of any text. */
  next(): Promise<IteratorResult<BatchPiece, undefined>>;
  /** Ends it; a step on its way is not waited for. */
  return(): Promise<IteratorResult<BatchPiece, undefined>>;
  /** Itself. */
  [Symbol.asyncIterator](): this;
  /** Ends it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Tokens that a model has seen, with what it keeps of them. It does one thing at a time. */
export class Session implements AsyncDisposable {
  private constructor();
  /** How many tokens there is room for. */
  readonly contextLength: number;
  /** What it takes once it is full; it takes it as tokens come. */
  readonly memoryBytes: number;
  /** As `Model.generate`; what the prompt has in common with what was seen is not computed again. */
  generate(prompt: string | ArrayLike<number>, options?: GenerateOptions): Generation;
  /** As `Model.chat`, with all messages, those seen before included. */
  chat(messages: readonly Message[], options?: GenerateOptions): Generation;
  /** What was seen so far. */
  tokens(): Promise<number[]>;
  /**
   * Lets the model see more tokens: for each of them the logits of what follows it.
   * @throws {CapacityError} There is no room for them.
   * @throws {OutOfBoundsError} There is no such token.
   * @throws {SessionBusyError} Another call is using the session.
   * @throws {GuestTrapError} The file made the engine trap.
   * @throws {ClosedError} The session or its model is closed.
   */
  logits(tokens: ArrayLike<number>, options?: CallOptions): Promise<Float32Array[]>;
  /**
   * Writes it to a file, from which `restore` continues exactly.
   * @throws {SourceError} The file cannot be written.
   */
  save(file: string | URL): Promise<void>;
  /**
   * Becomes the session in that file.
   * @throws {SourceNotFoundError | SourceError} It cannot be read, or is no such file.
   * @throws {CapacityError} There is no room for its tokens.
   */
  restore(file: string | URL): Promise<void>;
  /** Forgets all tokens. */
  clear(): Promise<void>;
  /**
   * Gives its memory back. Closing twice is fine.
   * @throws {SessionBusyError} A generation has not ended.
   */
  close(): Promise<void>;
  /** Closes it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A resident layer. Iterating over it gives its tensors, in the file's order. */
export class Layer implements Disposable, Iterable<Tensor> {
  private constructor();
  /** Its number in the model, from 0. */
  readonly id: number;
  /**
   * @param name Whole (`'blk.3.attn_q.weight'`) or short (`'attn_q.weight'`).
   * @throws {TensorNotFoundError} The layer has no such tensor.
   * @throws {ClosedError} The layer is closed.
   */
  tensor(name: string): Tensor;
  /** Lets go of the layer's memory. Those who hold a `data` of it keep theirs. */
  close(): void;
  /** Closes the layer at the end of a `using` block. */
  [Symbol.dispose](): void;
  /** Its tensors, in the file's order. */
  [Symbol.iterator](): IterableIterator<Tensor>;
}

/** A tensor of a layer. */
export class Tensor {
  private constructor();
  /** Whole, for example `'blk.3.attn_q.weight'`. */
  readonly name: string;
  /** Rows first. */
  readonly shape: readonly number[];
  /** Its type as GGML names it, for example `'Q4_K'`. */
  readonly quantType: string;
  /**
   * The file's own quantised blocks, without a copy. What is written here reaches neither the file
   * nor the cache.
   */
  readonly data: Uint8Array;
  /**
   * Its values as float32.
   * @throws {UnsupportedQuantTypeError} Its type cannot be dequantised.
   * @throws {ClosedError} The model is closed.
   */
  dequantize(options?: CallOptions): Promise<Float32Array>;
}

/** What a guest may take of the machine. */
export interface GuestOptions extends GuestCallOptions {
  /**
   * The most bytes of each memory of its own. The model's regions do not count.
   * @default 1073741824
   */
  memoryBytes?: number;
  /**
   * The most elements of each of its tables.
   * @default 1048576
   */
  tableElements?: number;
  /**
   * The most instructions that all its calls together may execute. Counting them makes a guest
   * slower. By default any number.
   */
  fuel?: number;
  /**
   * Whether it may use WASI preview 1, without files, arguments or environment: its output goes to
   * this process's.
   * @default false
   */
  wasi?: boolean;
}

/** What a guest's calls accept besides the function's own arguments. */
export interface GuestCallOptions extends CallOptions {
  /**
   * How long it may run; then it rejects with GuestTimeoutError. Given to `model.guest`, it holds
   * for every call that names none. By default any time.
   */
  timeoutMs?: number;
}

/** A number in WebAssembly: an i64 takes BigInts and safe integers, all others take numbers. */
export type GuestValue = number | bigint;
/** What a function of a guest gives: nothing, a value, or several. An i64 is always a BigInt. */
export type GuestResult = undefined | GuestValue | GuestValue[];

/**
 * WebAssembly over a model, in a sandbox of its own: what it writes reaches neither the file nor
 * anybody else. It does one thing at a time; calls wait for their turn.
 */
export class Guest implements AsyncDisposable {
  private constructor();
  /** The functions it exports, each with its type: `'(i32, i64) -> i64'`. */
  readonly exports: Readonly<Record<string, string>>;
  /**
   * Calls a function that the guest exports. Integers may be given as signed or as unsigned, and
   * come back signed.
   * @param args The function's arguments; after them, if wanted, an object of options.
   * @throws {GuestError} There is no such function.
   * @throws {GuestTrapError} The guest trapped; it may be called again.
   * @throws {GuestTimeoutError} It ran for too long.
   * @throws {SourceChangedError} The model's file became shorter meanwhile.
   * @throws {ClosedError} The guest or its model is closed.
   * @throws {TypeError | RangeError} An argument is not what the function takes.
   * @example
   * await guest.call('sum', 3, 7n, { signal, timeoutMs: 100 });
   */
  call<Result extends GuestResult = GuestResult>(
    name: string,
    ...args: readonly GuestValue[] | [...GuestValue[], GuestCallOptions]
  ): Promise<Result>;
  /**
   * A copy of bytes in the memory that the guest exports as `memory`.
   * @throws {OutOfBoundsError} They are not all inside.
   * @throws {ClosedError} The guest or its model is closed.
   */
  read(pointer: number, size: number, options?: CallOptions): Promise<Uint8Array>;
  /**
   * Writes bytes, as they are at the time of the call, into the memory that the guest exports as
   * `memory`.
   * @throws {OutOfBoundsError} They do not fit there.
   * @throws {ClosedError} The guest or its model is closed.
   */
  write(pointer: number, data: ArrayBuffer | ArrayBufferView, options?: CallOptions): Promise<void>;
  /**
   * The size of the memory that the guest exports as `memory`, 0 for none.
   * @throws {ClosedError} The guest or its model is closed.
   */
  memoryBytes(): Promise<number>;
  /** Waits for calls under way and gives the guest's memory back. Closing twice is fine. */
  close(): Promise<void>;
  /** Closes the guest at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An entry of the tensor directory. */
export interface TensorInfo {
  /** Whole, for example `'blk.3.attn_q.weight'`. */
  readonly name: string;
  /** Rows first. */
  readonly shape: readonly number[];
  /** Its type as GGML names it, for example `'Q4_K'`. */
  readonly quantType: string;
  /** Bytes of its quantised blocks. */
  readonly nbytes: number;
  /** Where it lies in the flat space over all regions. */
  readonly offset: number;
  /** The layer it belongs to; null for embeddings, output and the like. */
  readonly layer: number | null;
}

/** Metadata by key, as in the file. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/** Integers beyond 2^53 - 1 are BigInts. Arrays of more than 64 values are read when asked for. */
export type MetadataValue = MetadataScalar | readonly MetadataScalar[] | MetadataArray;
/** One value of the metadata. */
export type MetadataScalar = string | number | bigint | boolean;

/** A metadata array too long to be handed over unasked. */
export class MetadataArray {
  private constructor();
  /** The type of its values as GGUF names it, for example `'string'`. */
  readonly type: string;
  /** How many values there are. */
  readonly length: number;
  /**
   * Reads them all, a part at a time, so that the event loop goes on turning.
   * @throws {ClosedError} The model is closed.
   */
  read(options?: CallOptions): Promise<MetadataScalar[]>;
}

/** Statistics of the layers' cache. */
export interface CacheStats {
  /** Requests for a layer that was resident. */
  cacheHits: number;
  /** Requests that had to load their layer. */
  cacheMisses: number;
  /** Layers that had to leave. */
  evictions: number;
  /** Layers loaded ahead of the request for them. */
  prefetches: number;
  /** Those of `cacheHits` that found what was loaded, or being loaded, ahead of them. */
  prefetchHits: number;
  /** What the requests together waited for their layers. */
  stallMs: number;
  /** Layers resident now. */
  cachedLayers: number;
  /** The most layers to keep resident. */
  maxCached: number;
  /** Bytes of layers resident now. */
  residentBytes: number;
  /** The most bytes of layers that were resident at once. */
  peakBytes: number;
  /** The most bytes of layers to keep resident. */
  capacityBytes: number;
  /** Hits among all requests, from 0 to 1. */
  hitRate: number;
}

/**
 * The base of this package's errors; itself for what has no class of its own. Where Python code
 * raised it, `cause.stack` is Python's traceback.
 *
 * `ERR_MEMORY64`: the engine could not start, or something unexpected went wrong in it.
 */
export class Memory64Error extends Error {
  /** Stable, and the same in Python. */
  static readonly code: string;
  constructor(message: string, options?: { cause?: unknown });
  /** The name of its class. */
  readonly name: string;
  /** Stable, and the same in Python: `'ERR_MEMORY64…'`. */
  readonly code: string;
}
/** `ERR_MEMORY64_LAYOUT`: a layout cannot exist, or cannot hold what is to be placed in it. */
export class LayoutError extends Memory64Error {}
/** `ERR_MEMORY64_OUT_OF_BOUNDS`: an offset or a size lies outside what there is. */
export class OutOfBoundsError extends Memory64Error {}
/** `ERR_MEMORY64_GGUF_FORMAT`: not a GGUF file that can be read. */
export class GGUFFormatError extends Memory64Error {}
/** `ERR_MEMORY64_UNSUPPORTED_ARCHITECTURE`: a model that cannot be run; its layers can be had. */
export class UnsupportedArchitectureError extends Memory64Error {}
/** `ERR_MEMORY64_UNSUPPORTED_QUANT_TYPE`: a tensor is stored in a type that cannot be used. */
export class UnsupportedQuantTypeError extends Memory64Error {}
/** `ERR_MEMORY64_TENSOR_NOT_FOUND`: there is no tensor of that name. */
export class TensorNotFoundError extends Memory64Error {}
/** `ERR_MEMORY64_TOKENIZER`: the model's tokenizer is missing, unknown, or contradicts itself. */
export class TokenizerError extends Memory64Error {}
/** `ERR_MEMORY64_CHAT_TEMPLATE`: the model has no chat template, or it fails or does too much. */
export class ChatTemplateError extends Memory64Error {}
/** `ERR_MEMORY64_LOGITS`: the model computed what is not a number. */
export class LogitsError extends Memory64Error {}
/** `ERR_MEMORY64_CAPACITY`: the memory that may be used does not hold what was asked for. */
export class CapacityError extends Memory64Error {}
/** `ERR_MEMORY64_SOURCE`: the file cannot be opened or read. */
export class SourceError extends Memory64Error {}
/** `ERR_MEMORY64_SOURCE_NOT_FOUND`: there is no such file. */
export class SourceNotFoundError extends SourceError {}
/** `ERR_MEMORY64_SOURCE_CHANGED`: the file was changed after it was loaded. */
export class SourceChangedError extends SourceError {}
/** `ERR_MEMORY64_GUEST`: a WebAssembly guest cannot do what it is asked for. */
export class GuestError extends Memory64Error {}
/** `ERR_MEMORY64_GUEST_MODULE`: a guest's module is not valid, or imports what there is not. */
export class GuestModuleError extends GuestError {}
/** `ERR_MEMORY64_GUEST_TRAP`: a guest did what WebAssembly forbids, or was stopped. */
export class GuestTrapError extends GuestError {}
/** `ERR_MEMORY64_GUEST_TIMEOUT`: a guest was stopped because it ran for too long. */
export class GuestTimeoutError extends GuestTrapError {}
/** `ERR_MEMORY64_SESSION_BUSY`: a session is in use by another call. */
export class SessionBusyError extends Memory64Error {}
/** `ERR_MEMORY64_CLOSED`: used after it was closed. */
export class ClosedError extends Memory64Error {}
/** `ERR_MEMORY64_CANCELLED`: the work was told to stop. */
export class CancelledError extends Memory64Error {}
