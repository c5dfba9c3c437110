// PATH SMALL_MODEL: opens PATH with @huggingface/gguf, its code having run on another model.
import { gguf } from '@huggingface/gguf';
import { measureOpening } from './opening.mjs';

const [path, small] = process.argv.slice(2);

await gguf(small, { allowLocalFile: true });
await measureOpening(() => gguf(path, { allowLocalFile: true }));
