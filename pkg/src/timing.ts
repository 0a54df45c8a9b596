/** What the testing entry may change. */
export const timing = {
  /** What every time limit is multiplied with. */
  scale: 1,
  /** After so many traps within `TRAPS_WITHIN_MS` the module is given up. */
  maxTraps: 3,
}
