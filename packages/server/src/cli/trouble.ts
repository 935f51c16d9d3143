/** What goes wrong outside of the program: each message names the fix. */

export class Trouble extends Error {}

/** The command was called in a wrong way. */
export class UsageTrouble extends Trouble {}
