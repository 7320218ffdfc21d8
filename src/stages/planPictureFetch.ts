// What fetching a source's pictures would mean, counted before anything is asked of any server.
import { setImmediate } from 'node:timers/promises';
import type { PictureFetchPlan } from '../protocol/pictureFetch.ts';
import { countFetches, pageOfWantedPictures, picturesFolder } from '../store/fetchedPictures.ts';
import { requireSource } from '../store/sources.ts';
import type { StageContext } from './stageContext.ts';

/** Bytes of a picture a thousand pixels wide, as photo sites show them. */
export const BYTES_EACH = 200_000;
const PAGE = 2000;

/** @throws {UserError} `source-unknown` */
export async function planPictureFetch(
  { store, storeFolder }: Pick<StageContext, 'store' | 'storeFolder'>, request: { readonly source: string; readonly retryDead: boolean; readonly requestsPerSecond: number },
): Promise<PictureFetchPlan> {
  const source = requireSource(store, request.source);
  const hosts = new Map<string, number>();
  let wanted = 0;
  for (let page = pageOfWantedPictures(store, source.id, request.retryDead, 0, PAGE); page.length > 0; page = pageOfWantedPictures(store, source.id, request.retryDead, page.at(-1)!.id, PAGE)) {
    wanted += page.length;
    for (const { url } of page) {
      const host = (URL.parse(url)?.host ?? 'no web address').slice(0, 100);
      hosts.set(host, (hosts.get(host) ?? 0) + 1);
    }
    await setImmediate();
  }
  const { fetched, dead } = countFetches(store, source.id);
  const sorted = [...hosts].map(([host, pictures]) => ({ host, pictures })).sort((a, b) => b.pictures - a.pictures);
  return {
    wanted, fetched, dead, hosts: sorted.slice(0, 100), secondsAtLeast: (sorted[0]?.pictures ?? 0) / request.requestsPerSecond, bytesAbout: wanted * BYTES_EACH, folder: picturesFolder(storeFolder),
  };
}
