/**
 * The one time that every file of a built layer carries, in seconds since 1970: 1980-01-01 UTC.
 * Zero would be simpler, but zip cannot store times before 1980, and an account whose password
 * was last changed on day 0 must change it at once (shadow(5)): sudo would refuse to work.
 */
export const LAYER_TIME_SECONDS = 315_532_800;
