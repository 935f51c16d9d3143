// Graceful stop: the first SIGINT or SIGTERM says goodbye to the players, the second one ends the process at once.

/** A stop that hangs ends the process after this. */
const STOP_MS = 950;

interface Stoppable {
  close(): Promise<void>;
}

const running = new Set<Stoppable>();
let stopping = false;

/** Stops `server` when the process is asked to stop. Gives a function that forgets it. */
export function stopOnSignals(server: Stoppable): () => void {
  if (running.size === 0) {
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  }
  running.add(server);
  return () => {
    running.delete(server);
    if (running.size > 0 || stopping) return;
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
}

function stop(signal: NodeJS.Signals): void {
  if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
  stopping = true;
  setTimeout(() => process.exit(1), STOP_MS);
  Promise.all([...running].map((server) => server.close())).then(
    () => process.exit(0),
    () => process.exit(1),
  );
}
