// PNG of an indexed picture: half a byte or a byte a pixel, which the usual libraries only read, not write.
// PNG specification, third edition, sections 5 (chunks) and 11.2 (IHDR, PLTE, IDAT, IEND).
import { crc32, deflateSync } from 'node:zlib';
import type { Canvas } from '../domain/pictures/canvas.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOUR_TYPE_INDEXED = 3;
const COLOURS_OF_FOUR_BITS = 16;

/** The bytes of a PNG file. */
export function encodePng(canvas: Canvas): Buffer {
  const pixelsPerByte = canvas.palette.length <= COLOURS_OF_FOUR_BITS ? 2 : 1;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(canvas.width, 0);
  header.writeUInt32BE(canvas.height, 4);
  header.set([8 / pixelsPerByte, COLOUR_TYPE_INDEXED, 0, 0, 0], 8); // deflate, adaptive filters, not interlaced
  const palette = Buffer.from(canvas.palette.flat());
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('PLTE', palette), chunk('IDAT', deflateSync(scanlines(canvas, pixelsPerByte))), chunk('IEND', Buffer.alloc(0))]);
}

/** Each row: filter 0 (none), then the pixels; where two share a byte, the left one has the high bits. */
function scanlines({ width, height, pixels }: Canvas, pixelsPerByte: 1 | 2): Buffer {
  const stride = 1 + Math.ceil(width / pixelsPerByte);
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width, (y + 1) * width);
    let out = y * stride + 1;
    if (pixelsPerByte === 1) rows.set(row, out);
    else for (let x = 0; x < width; x += 2) rows[out++] = (row[x]! << 4) | (row[x + 1] ?? 0);
  }
  return rows;
}

function chunk(type: string, data: Buffer): Buffer {
  const result = Buffer.alloc(12 + data.length);
  result.writeUInt32BE(data.length, 0);
  result.write(type, 4, 'latin1');
  data.copy(result, 8);
  result.writeUInt32BE(crc32(result.subarray(4, 8 + data.length)), 8 + data.length);
  return result;
}
