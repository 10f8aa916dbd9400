// Files that people take for ONNX models, by their first bytes, so that the message can say what they are.

export interface Recognised {
  readonly what: string;
  readonly next?: string;
}

const EXPORT = 'Export it with torch.onnx.export.';

const SIGNATURES: readonly (Recognised & { readonly bytes: string })[] = [
  { bytes: 'version https://git-lfs', what: 'a Git LFS pointer', next: 'Fetch the file itself with git lfs pull.' },
  { bytes: '\x89PNG', what: 'a PNG image' },
  { bytes: '\xff\xd8\xff', what: 'a JPEG image' },
  { bytes: '%PDF', what: 'a PDF document' },
  { bytes: 'PK\x03\x04', what: 'a ZIP archive (PyTorch checkpoints are, too)', next: `Unpack it; or, if it is a PyTorch model: ${EXPORT}` },
  { bytes: '\x1f\x8b', what: 'gzip-compressed', next: 'Unpack it with gunzip.' },
  { bytes: '\x80\x02', what: 'a Python pickle', next: EXPORT },
  { bytes: '\x80\x04', what: 'a Python pickle', next: EXPORT },
  { bytes: '\x89HDF', what: 'an HDF5 file (Keras checkpoints are)', next: 'Export it with tf2onnx.' },
  { bytes: 'GGUF', what: 'a GGUF file', next: EXPORT },
  { bytes: '\x93NUMPY', what: 'a NumPy array' },
  { bytes: '\x7fELF', what: 'a program' },
];

const SAMPLE = 256;

/** What the file is, if it is surely something else than an ONNX model. */
export function recognise(bytes: Buffer): Recognised | undefined {
  const start = bytes.toString('latin1', 0, SAMPLE);
  const known = SIGNATURES.find((signature) => start.startsWith(signature.bytes));
  if (known !== undefined) return known;
  // A TFLite file has its mark behind the first offset.
  if (start.slice(4, 8) === 'TFL3') return { what: 'a TensorFlow Lite model', next: 'Export the original with tf2onnx.' };
  return isText(start) ? { what: 'text' } : undefined;
}

/** Protobuf begins with a tag below 32 and has bytes that no text has; text is printable to the last of the sample. */
function isText(start: string): boolean {
  for (let i = 0; i < start.length; i++) {
    const code = start.charCodeAt(i);
    const printable = code >= 32 || code === 9 || code === 10 || code === 13;
    if (!printable || code === 127) return false;
  }
  return start.length > 0;
}
