/** What preload.js offers to the page as `window.models`. */
export interface ModelsApi {
  /** Asks for a file and loads it; null where none was chosen. */
  open(): Promise<Answer<ModelInfo | null>>;
  /** Stops the loading that is under way. */
  cancel(): Promise<Answer<void>>;
  layer(id: number): Promise<Answer<TensorLine[]>>;
  /** Gets growing fractions while a model is loaded. */
  onProgress(listener: (fraction: number) => void): void;
}

export type Answer<T> = { value: T; error?: undefined } | { error: Failure };

/** What is left of an error on its way to the page. */
export interface Failure {
  /** For example `'AbortError'`, or the class of a `Memory64Error`. */
  name: string;
  message: string;
}

export interface ModelInfo {
  source: string;
  architecture: string;
  layerCount: number;
  sizeBytes: number;
}

export interface TensorLine {
  name: string;
  shape: number[];
  quantType: string;
  bytes: number;
}

declare global {
  interface Window {
    models: ModelsApi;
  }
}
