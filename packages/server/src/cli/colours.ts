/** Colours on terminals that show them: none when the output goes elsewhere, with NO_COLOR, or on a dumb terminal. */

const { env, stdout } = process;
const asked = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0';
const shown = !env['NO_COLOR'] && (asked || (stdout.isTTY === true && env['TERM'] !== 'dumb'));

const style =
  (on: number, off: number) =>
  (text: string): string =>
    shown ? `\u001b[${on}m${text}\u001b[${off}m` : text;

export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);
