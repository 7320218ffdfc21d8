// How the kinds of data sets (src/sources/postSource.ts) are called and drawn.
import type { Translate } from './hoverCard.ts';

/** 'SMPD, layout of 2018'. Names of data sets are the same in every language. */
export function sourceKindLabel(kind: string, t: Translate): string {
  switch (kind) {
    case 'smpd-2018': return t('SMPD, layout of {0}', '2018');
    case 'smpd-2020': return t('SMPD, layout of {0}', '2019/2020');
    case 'smpd-2022': return t('SMPD, layout of {0}', '2022');
    case 'smpd-mixed': return t('SMPD, layout of {0}', '2020 + 2022');
    case 'tpic-2017': return 'TPIC2017';
    case 'smpvideo-2025': return 'SMP-Video';
    default: return t('Table');
  }
}

/** A codicon: its name. */
export function sourceKindIcon(kind: string): string {
  if (kind === 'table') return 'table';
  return kind === 'smpvideo-2025' ? 'device-camera-video' : 'database';
}
