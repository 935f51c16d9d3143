/** The path of a Chromium, or an error whose message is one sentence that names the fix. */
export function findChromium(options?: { install?: boolean; say?: (line: string) => void }): string;
