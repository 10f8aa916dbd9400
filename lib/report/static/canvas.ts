// Canvas: the two-dimensional context that plotly fills heatmaps with, as far as it uses it:
// rectangles and pixels in, a PNG data address out. Later paint replaces earlier, nothing is blended.

import { crc32, deflateSync } from 'node:zlib';

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

export class Surface {
  readonly #width: number;
  readonly #height: number;
  readonly #data: Uint8ClampedArray;
  /** 'rgb(r,g,b)' or 'rgba(r,g,b,a)', the only forms plotly writes here. */
  fillStyle = 'rgba(0,0,0,1)';

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#data = new Uint8ClampedArray(width * height * 4);
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (this.fillStyle.match(/[\d.]+/g) ?? []).map(Number);
    const column = (value: number): number => Math.min(this.#width, Math.max(0, Math.round(value)));
    const row = (value: number): number => Math.min(this.#height, Math.max(0, Math.round(value)));
    for (let j = row(Math.min(y, y + height)); j < row(Math.max(y, y + height)); j++) {
      for (let i = column(Math.min(x, x + width)); i < column(Math.max(x, x + width)); i++) {
        this.#data.set([red, green, blue, alpha * 255], (j * this.#width + i) * 4);
      }
    }
  }

  clearRect(): void {
    this.#data.fill(0);
  }

  createImageData(width: number, height: number): Pixels {
    return { width, height, data: new Uint8ClampedArray(width * height * 4) };
  }

  putImageData(pixels: Pixels, left: number, top: number): void {
    for (let j = 0; j < Math.min(pixels.height, this.#height - top); j++) {
      const columns = Math.min(pixels.width, this.#width - left);
      const from = j * pixels.width * 4;
      this.#data.set(pixels.data.subarray(from, from + columns * 4), ((top + j) * this.#width + left) * 4);
    }
  }

  toDataUrl(): string {
    return `data:image/png;base64,${encodePng(this.#width, this.#height, this.#data).toString('base64')}`;
  }
}

/** An 8-bit RGBA PNG file: `data` holds height rows of width * 4 bytes. */
export function encodePng(width: number, height: number, data: Uint8Array | Uint8ClampedArray): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (width * 4 + 1));
  for (let j = 0; j < height; j++) rows.set(data.subarray(j * width * 4, (j + 1) * width * 4), j * (width * 4 + 1) + 1);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
