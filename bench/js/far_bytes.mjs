// PATH TENSOR OFFSET SIZE: the bytes at OFFSET of TENSOR, as its layer hands them out.
import { loadModel } from '../../native.mjs';

const [path, name, offset, size] = process.argv.slice(2);

const model = await loadModel(path);
const { layer: id } = model.tensors.find((tensor) => tensor.name === name);
const { data } = (await model.getLayer(id)).tensor(name);
const bytes = data.subarray(Number(offset), Number(offset) + Number(size));
console.log(JSON.stringify({ hex: Buffer.from(bytes).toString('hex') }));
await model.close();
