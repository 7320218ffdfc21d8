// The words of the demo: SMPD's eleven categories as SMPD spells them, with invented subcategories, concepts and title words.
import type { SubjectName } from './pictures/pictureSubjects.ts';

export interface InventedCategory {
  readonly name: string;
  readonly subcategories: readonly [string, string, string, string];
  readonly concepts: readonly string[]; // of any subcategory; worth nothing
  readonly subjects: readonly [SubjectName, SubjectName, SubjectName];
}

export const INVENTED_CATEGORIES: readonly InventedCategory[] = [
  { name: 'Animal', subcategories: ['Pets', 'Wildlife', 'Farm', 'Friends'], concepts: ['cute', 'furry', 'paws', 'feathers', 'sleepy', 'playful'], subjects: ['dog', 'cat', 'duck'] },
  { name: 'Electronics', subcategories: ['Gadgets', 'Vintage', 'Workshop', 'Office'], concepts: ['retro', 'wires', 'chrome', 'analog', 'buttons', 'machine'], subjects: ['camera', 'robot', 'radio'] },
  { name: 'Entertainment', subcategories: ['Music', 'Festival', 'Theatre', 'Fair'], concepts: ['stage', 'show', 'rhythm', 'live', 'encore', 'lights'], subjects: ['guitar', 'drum', 'wheel'] },
  { name: 'Family', subcategories: ['Home', 'Childhood', 'Garden', 'Weekend'], concepts: ['together', 'cosy', 'memories', 'play', 'grandparents', 'sunday'], subjects: ['house', 'teddy', 'kite'] },
  { name: 'Fashion', subcategories: ['Street', 'Vintage', 'Studio', 'Handmade'], concepts: ['glam', 'style', 'silk', 'pattern', 'outfit', 'elegant'], subjects: ['dress', 'hat', 'handbag'] },
  { name: 'Food', subcategories: ['Homemade', 'Breakfast', 'Dessert', 'Market'], concepts: ['sweet', 'tasty', 'fresh', 'recipe', 'bakery', 'treat'], subjects: ['cake', 'icecream', 'coffee'] },
  { name: 'Holiday&Celebrations', subcategories: ['Party', 'Decoration', 'Gathering', 'Custom'], concepts: ['party', 'festive', 'surprise', 'tradition', 'cheer', 'candles'], subjects: ['pumpkin', 'present', 'fir'] },
  { name: 'Social&People', subcategories: ['Portrait', 'Friends', 'Street', 'Event'], concepts: ['smile', 'candid', 'joy', 'faces', 'meeting', 'stroll'], subjects: ['child', 'couple', 'crowd'] },
  { name: 'Travel&Active&Sports', subcategories: ['Vacation', 'Outdoors', 'Trip', 'Leisure'], concepts: ['adventure', 'journey', 'wanderlust', 'freedom', 'tour', 'horizon'], subjects: ['bicycle', 'sailboat', 'balloon'] },
  { name: 'Urban', subcategories: ['Architecture', 'Traffic', 'Downtown', 'Suburb'], concepts: ['city', 'skyline', 'rush', 'corner', 'landmark', 'commute'], subjects: ['car', 'bus', 'tower'] },
  { name: 'Whether&Season', subcategories: ['Weather', 'Season', 'Nature', 'Sky'], concepts: ['frost', 'breeze', 'sunshine', 'leaves', 'clouds', 'weather'], subjects: ['snowman', 'umbrella', 'tree'] },
];

/** From these each user has a few favourites, which come back in titles and tags. */
export const TITLE_WORDS: readonly string[] = [
  'morning', 'evening', 'little', 'lost', 'quiet', 'golden', 'hello', 'dream', 'long', 'walk', 'home', 'light', 'shadow', 'old', 'new', 'first', 'last', 'sweet', 'wild', 'blue',
  'summer', 'winter', 'friends', 'waiting', 'looking', 'sunday', 'slow', 'bright', 'near', 'far', 'road', 'story', 'time', 'day', 'again', 'away', 'small', 'big', 'happy', 'still',
];

/** * is the subject. */
export const SUBJECT_TITLES: readonly string[] = ['* again', 'The *', 'My * and me', 'Hello *', 'A * for you', 'Just a *', 'Found: one *', 'Sunday *', 'Waiting with the *', 'Old *, new day', 'Yet another *', 'Study of a *'];
export const CAMERA_NAMES: readonly string[] = ['IMG_', 'DSC_', 'P10', 'DSCF'];

/** Free tags that any post may carry. */
export const COMMON_TAGS: readonly string[] = ['photo', 'light', 'colour', 'nikon', 'canon', 'outdoor', 'square', 'europe', 'weekend', 'project365', 'naturallight', 'bokeh', '2015', 'explore', 'flickr'];

export const PLACES: readonly { readonly name: string; readonly latitude: number; readonly longitude: number; readonly timeZone: string; readonly offset: string }[] = [
  { name: 'a harbour town', latitude: 53.55, longitude: 9.99, timeZone: 'Berlin', offset: '+01:00' },
  { name: 'the hills', latitude: 43.77, longitude: 11.25, timeZone: 'Rome', offset: '+01:00' },
  { name: 'the coast', latitude: 36.6, longitude: -121.9, timeZone: 'Pacific Time (US & Canada)', offset: '-08:00' },
  { name: 'an old mill', latitude: 52.2, longitude: 0.12, timeZone: 'London', offset: '+00:00' },
  { name: 'the north', latitude: 59.33, longitude: 18.06, timeZone: 'Stockholm', offset: '+01:00' },
  { name: 'a small island', latitude: 35.68, longitude: 139.69, timeZone: 'Tokyo', offset: '+09:00' },
];
