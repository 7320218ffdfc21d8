// Bytes as a person reads them.

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** '0 bytes', '812 kB', '1.3 GB': decimal units, as disks and file managers count; two digits where they say something. */
export function byteCount(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${value === 1 && unit === 0 ? 'byte' : UNITS[unit]!}`;
}
