// The small picture in a hover: the user's earlier scores, this post's prediction with its interval, and the true score.
// Theme variables do not reach into an image, so its colours are chosen by the kind of the theme (values read in VS Code).
import type { Hundredths } from '../domain/posts.ts';

export type ThemeKind = 'dark' | 'light' | 'high-contrast' | 'high-contrast-light';

interface Colours {
  readonly text: string;
  readonly faint: string;
  readonly grid: string;
  readonly background: string;
  readonly prediction: string;
}
const COLOURS: Readonly<Record<ThemeKind, Colours>> = {
  dark: { text: '#cccccc', faint: '#9d9d9d', grid: '#6b6b6b', background: '#202020', prediction: '#59a4f9' },
  light: { text: '#3b3b3b', faint: '#616161', grid: '#8c8c8c', background: '#f8f8f8', prediction: '#0063d3' },
  'high-contrast': { text: '#ffffff', faint: '#ffffff', grid: '#ffffff', background: '#0c141f', prediction: '#59a4f9' },
  'high-contrast-light': { text: '#292929', faint: '#292929', grid: '#292929', background: '#ffffff', prediction: '#0f4a85' },
};

export const CURVE_SIZE = { width: 240, height: 84 };

export interface Curve {
  readonly earlier: readonly Hundredths[]; // oldest first
  readonly predicted: Hundredths | null;
  readonly low80: Hundredths | null;
  readonly high80: Hundredths | null;
  readonly label: Hundredths | null;
  readonly earlierText: string; // '4 earlier posts'
  readonly thisText: string; // 'this'
}

const LEFT = 26; // pixels; the axis' numbers stand left of it
const RIGHT = 228;
const TOP = 8;
const BOTTOM = 66;

/** An SVG of `CURVE_SIZE`, or null when there is nothing to compare (no earlier score, or neither prediction nor label). */
export function scoreCurve(curve: Curve, theme: ThemeKind): string | null {
  if (curve.earlier.length === 0 || (curve.predicted === null && curve.label === null)) return null;
  const colour = COLOURS[theme];
  const { low, high, step } = axisOf([...curve.earlier, curve.predicted, curve.low80, curve.high80, curve.label].filter((score) => score !== null));
  const y = (score: Hundredths): number => round(BOTTOM - ((score / 100 - low) / (high - low)) * (BOTTOM - TOP));
  const x = (index: number): number => round(LEFT + 8 + (index * (RIGHT - 16 - LEFT)) / curve.earlier.length);
  const at = x(curve.earlier.length);

  const parts: string[] = [];
  for (let mark = low; mark <= high + 1e-9; mark += step) {
    parts.push(`<path d="M${LEFT} ${y(mark * 100)}H${RIGHT}" stroke="${colour.grid}" stroke-opacity=".35"/>`);
    parts.push(text(LEFT - 6, y(mark * 100) + 4, String(round(mark)), colour.faint, 'end'));
  }
  const points = curve.earlier.map((score, index) => `${x(index)} ${y(score)}`);
  parts.push(`<path d="M${points.join('L')}" fill="none" stroke="${colour.grid}"/>`);
  curve.earlier.forEach((score, index) => parts.push(`<circle cx="${x(index)}" cy="${y(score)}" r="3" fill="${colour.background}" stroke="${colour.text}"/>`));
  if (curve.low80 !== null && curve.high80 !== null) {
    parts.push(`<path d="M${at} ${y(curve.high80)}V${y(curve.low80)}" stroke="${colour.prediction}" stroke-width="4" stroke-opacity=".45"/>`);
  }
  if (curve.predicted !== null) parts.push(`<circle cx="${at}" cy="${y(curve.predicted)}" r="4" fill="${colour.prediction}"/>`);
  if (curve.label !== null) parts.push(`<path d="M${at - 9} ${y(curve.label)}h18" stroke="${colour.text}" stroke-width="2"/>`);
  parts.push(text(LEFT, BOTTOM + 16, curve.earlierText, colour.faint, 'start'), text(RIGHT, BOTTOM + 16, curve.thisText, colour.faint, 'end'));

  const { width, height } = CURVE_SIZE;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui,Segoe UI,sans-serif" font-size="11">${parts.join('')}</svg>`;
}

/** The dashed box that stands for a picture that cannot be shown. */
export function missingPicture(label: string, theme: ThemeKind): string {
  const colour = COLOURS[theme];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="104" height="78" viewBox="0 0 104 78" font-family="system-ui,Segoe UI,sans-serif" font-size="11">`
    + `<rect x=".5" y=".5" width="103" height="77" fill="none" stroke="${colour.grid}" stroke-dasharray="3 3"/>${text(52, 43, label, colour.faint, 'middle')}</svg>`;
}

/** Two or three gridlines at whole steps around the scores (in scores, not hundredths). */
function axisOf(scores: readonly Hundredths[]): { low: number; high: number; step: number } {
  const smallest = Math.min(...scores) / 100;
  const largest = Math.max(...scores) / 100;
  const step = [1, 2, 4, 8, 16].find((candidate) => Math.ceil(largest / candidate) - Math.floor(smallest / candidate) <= 3) ?? 16;
  const low = Math.floor(smallest / step) * step;
  const high = Math.max(Math.ceil(largest / step) * step, low + step);
  return { low, high, step };
}

const round = (value: number): number => Math.round(value * 10) / 10;

function text(x: number, y: number, content: string, fill: string, anchor: 'start' | 'middle' | 'end'): string {
  const safe = content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<text x="${x}" y="${y}" fill="${fill}" text-anchor="${anchor}">${safe}</text>`;
}

/** As the source of an image in Markdown or HTML. */
export function svgUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg, 'utf8').toString('base64')}`;
}
