// What SMPD's user files say of a user, and the old release's titles: invented, in the published shapes.
import type { InventedUser } from './inventedPosts.ts';
import { RandomStream } from './randomStream.ts';

/** Numbers of the two description vectors of the old releases. */
export const DESCRIPTION_NUMBERS = 399;
export const LOCATION_NUMBERS = 400;

const STREAM = 6; // after those of inventedPosts.ts
const RING = 16_384; // different places at which a vector can begin
const VECTOR_SPREAD = 0.1;
const DESCRIBED_SHARE = 0.8; // users who say something about themselves; the others' numbers are all 0.0
const LOCATED_SHARE = 0.25;

export interface UserDescription {
  readonly description: string;
  readonly location: string;
}

/** What a user says about herself and her place, in words. */
export function describeInWords(user: InventedUser): UserDescription {
  return { description: user.description, location: user.place.name };
}

/**
 * The same as SMPD 2020 has it: "0.08,-0.07,…", 399 and 400 numbers (the second ends with a line break). A user's are a window
 * of one long row of draws: to draw 799 numbers for each of 70,000 users would take longer than everything else together.
 */
export function vectorsOfUsers(seed: number): (user: InventedUser) => UserDescription {
  const random = new RandomStream(seed, STREAM);
  const starts: number[] = [];
  let row = '';
  for (let at = 0; at < RING + LOCATION_NUMBERS; at++) {
    starts.push(row.length);
    row += `${decimal(random.normal(VECTOR_SPREAD))},`;
  }
  const drawn = (begin: number, numbers: number): string => row.slice(starts[begin], starts[begin + numbers]! - 1);
  const zeros = (numbers: number): string => '0.0,'.repeat(numbers).slice(0, -1);
  const unsaid = { description: zeros(DESCRIPTION_NUMBERS), location: zeros(LOCATION_NUMBERS) };
  return (user) => {
    const own = new RandomStream(seed, STREAM, numberOf(user.uid));
    const description = own.chance(DESCRIBED_SHARE) ? drawn(own.integer(0, RING - 1), DESCRIPTION_NUMBERS) : unsaid.description;
    const location = own.chance(LOCATED_SHARE) ? drawn(own.integer(0, RING - 1), LOCATION_NUMBERS) : unsaid.location;
    return { description, location: `${location}\r\n` };
  };
}

/** '59@N75' is user 5975: every invented id is another number. */
function numberOf(uid: string): number {
  return Number(uid.replace('@N', ''));
}

/** At most two decimals and at least one, as Python prints them: 0.08, -0.1, 0.0. */
function decimal(value: number): string {
  const rounded = Math.round(value * 100) / 100 || 0;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
}

/** Endings of titles that only Windows-1252 keeps, or that hold the quotes that separate the fields of 2018. */
const OLD_TITLE_ENDINGS = [' au café', ' – Zürich', ' “señor”', ' & the "old" one', ' "encore"', ' …'] as const;

/** The title as the release of 2018 has it: every fifth post's ends with accents, typographic signs or inner quotes. */
export function oldTitle(title: string, pid: string): string {
  const number = Number(pid);
  return number % 5 === 0 && title !== '' ? title + OLD_TITLE_ENDINGS[(number / 5) % OLD_TITLE_ENDINGS.length]! : title;
}
