// Whether a file's bytes are a whole PNG, JPEG, GIF or WebP of a size that can be decoded, from its header and its end.
// Pixels are never decoded here. What a header does not say stays unknown: how many frames an animation has, how large the
// single frames of a GIF are, and how far a PNG's text unpacks. Whoever decodes needs limits of their own for those.

/** 64 megapixels in powers of two, 256 MiB decoded at four bytes a pixel. Cameras of the years of SMPD made up to 51 megapixels. */
export const MAX_PIXELS = 2 ** 26;
/** Longest side in pixels: what graphics processors, and so browsers, can hold in one piece. */
export const MAX_SIDE = 16_384;

export type PictureFormat = 'png' | 'jpeg' | 'gif' | 'webp';
export type PictureFault = 'picture of unknown format' | 'picture broken' | 'picture too large';

/** A file that is read in places. `read` answers fewer bytes than asked for at the end. */
export interface PictureBytes {
  readonly size: number;
  read(position: number, length: number): Buffer;
}

const HEAD_BYTES = 4096;
/** Some programs append a few bytes behind the end marker. */
const TAIL_BYTES = 1024;
/** Segments before a JPEG's scan; real ones have a few dozen, of which the profile of colours may be most. */
const MAX_SEGMENTS = 1000;
/** Bytes of a picture without an end in its tail that are searched for it. */
const MAX_SEARCHED = 64 * 1024 * 1024;
const SEARCHED_AT_ONCE = 64 * 1024;

const JPEG_END = '\xff\xd9'; // a character a byte
const PNG_END = '\x00\x00\x00\x00IEND\xae\x42\x60\x82'; // length 0, name, checksum

/** The format that the first bytes tell, or null. 16 bytes are enough. */
export function pictureFormat(head: Buffer): PictureFormat | null {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  if (begins(0xff, 0xd8, 0xff)) return 'jpeg';
  if (begins(0x47, 0x49, 0x46, 0x38)) return 'gif';
  return begins(0x52, 0x49, 0x46, 0x46) && head.toString('latin1', 8, 12) === 'WEBP' ? 'webp' : null;
}

/** Why the bytes cannot be used as a picture, or null. Reads a few kilobytes; all of a picture only where its end is not at the end. */
export function pictureFault(bytes: PictureBytes): PictureFault | null {
  const head = bytes.read(0, HEAD_BYTES);
  const format = pictureFormat(head);
  if (format === null) return 'picture of unknown format';
  const header = HEADERS[format](head, bytes);
  if (header === null || header.width === 0 || header.height === 0) return 'picture broken';
  if (header.width > MAX_SIDE || header.height > MAX_SIDE || header.width * header.height > MAX_PIXELS) return 'picture too large';
  return ENDS[format](head, bytes, header.dataAt) ? null : 'picture broken';
}

interface Header {
  readonly width: number; // pixels
  readonly height: number;
  readonly dataAt: number; // byte from which on the end marker counts: before it lie thumbnails with ends of their own
}

const HEADERS: Readonly<Record<PictureFormat, (head: Buffer, bytes: PictureBytes) => Header | null>> = {
  png: (head) => (head.length >= 33 && head.toString('latin1', 12, 16) === 'IHDR' ? { width: head.readUInt32BE(16), height: head.readUInt32BE(20), dataAt: 33 } : null),
  gif: (head) => (head.length >= 13 ? { width: head.readUInt16LE(6), height: head.readUInt16LE(8), dataAt: 13 } : null),
  jpeg: jpegHeader,
  webp: webpHeader,
};

const ENDS: Readonly<Record<PictureFormat, (head: Buffer, bytes: PictureBytes, dataAt: number) => boolean>> = {
  png: (_head, bytes, dataAt) => hasEnd(bytes, PNG_END, dataAt),
  jpeg: (_head, bytes, dataAt) => hasEnd(bytes, JPEG_END, dataAt),
  gif: (_head, bytes) => {
    // The trailer ';' follows the empty block that ends the last frame. Zeros behind it are padding.
    const tail = bytes.read(Math.max(0, bytes.size - TAIL_BYTES), TAIL_BYTES);
    const last = tail.findLastIndex((byte) => byte !== 0);
    return last > 0 && tail[last] === 0x3b && tail[last - 1] === 0;
  },
  webp: (head, bytes) => head.readUInt32LE(4) + 8 <= bytes.size, // RIFF names the length of what follows its first eight bytes
};

/** Goes through the segments to the first scan. The frame's segment (SOF) says the size; of several the largest counts. */
function jpegHeader(head: Buffer, bytes: PictureBytes): Header | null {
  let width = 0, height = 0;
  let position = 2;
  for (let segment = 0; segment < MAX_SEGMENTS; segment++) {
    const start = position + 9 <= head.length ? head.subarray(position, position + 9) : bytes.read(position, 9);
    if (start.length < 4 || start[0] !== 0xff) return null;
    const marker = start[1]!;
    if (marker === 0xff) {
      position++; // a fill byte
      continue;
    }
    if (marker === 0xda) return { width, height, dataAt: position };
    if (marker === 0xd9) return null; // the end, before any scan
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      position += 2; // stands alone
      continue;
    }
    const length = start.readUInt16BE(2);
    if (length < 2) return null;
    if (isFrame(marker)) {
      if (start.length < 9) return null;
      height = Math.max(height, start.readUInt16BE(5));
      width = Math.max(width, start.readUInt16BE(7));
    }
    position += 2 + length;
  }
  return null;
}

/** SOF0 … SOF15 without the three markers between them that are something else. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function webpHeader(head: Buffer): Header | null {
  if (head.length < 30) return null;
  switch (head.toString('latin1', 12, 16)) {
    case 'VP8 ': return head[23] === 0x9d && head[24] === 0x01 && head[25] === 0x2a ? { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff, dataAt: 30 } : null;
    case 'VP8L': {
      const sizes = head.readUInt32LE(21); // two times 14 bits, each less one
      return head[20] === 0x2f ? { width: (sizes & 0x3fff) + 1, height: ((sizes >>> 14) & 0x3fff) + 1, dataAt: 25 } : null;
    }
    case 'VP8X': return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1, dataAt: 30 };
    default: return null;
  }
}

/** Whether the end marker stands behind `from`: in the tail, where nearly all have it, else anywhere. Compressed data of PNG and JPEG never holds it. */
function hasEnd(bytes: PictureBytes, end: string, from: number): boolean {
  const tailAt = Math.max(from, bytes.size - TAIL_BYTES);
  if (bytes.read(tailAt, TAIL_BYTES).includes(end, 0, 'latin1')) return true;
  for (let position = from; position < Math.min(tailAt, from + MAX_SEARCHED); position += SEARCHED_AT_ONCE) {
    if (bytes.read(position, SEARCHED_AT_ONCE + end.length - 1).includes(end, 0, 'latin1')) return true;
  }
  return false;
}
