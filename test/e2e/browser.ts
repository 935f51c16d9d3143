// What the browser tests share: Chromium's flags, and waiting for a started server's address.

import type { ChildProcess } from 'node:child_process';

/** No sandbox, as root has none; nothing but the page under test uses the network; WebGL in software. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--allow-loopback-in-peer-connection',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];

/** The address that a starting server prints. */
export function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    server.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const found = /\bat (http:\S+)/.exec(output);
      if (found?.[1] !== undefined) resolve(found[1]);
    });
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
}
