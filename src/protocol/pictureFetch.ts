// What fetching a source's pictures would mean: shown to a person before anything is asked of any server.

export interface PictureFetchPlan {
  readonly wanted: number; // pictures to be fetched
  readonly fetched: number; // that are there already
  readonly dead: number; // addresses that are known to be dead
  readonly hosts: readonly { readonly host: string; readonly pictures: number }[]; // by how many addresses name them, most first
  readonly secondsAtLeast: number; // what the pace of the busiest server takes
  readonly bytesAbout: number; // a guess, from pictures as photo sites show them
  readonly folder: string; // absolute, where they go
}

/** An address that is known to be dead, with the place of its post. */
export interface DeadPictureHit {
  readonly pid: string;
  readonly url: string; // as the data set names it: anybody's text
  readonly reason: string;
  readonly triedAt: number; // unix seconds
  readonly file: string; // of the post, absolute
  readonly row: number;
}
