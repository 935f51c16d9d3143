// Keeps the resume token across a reload, and only across a reload.
//
// The token is in the store while the page is hidden or gone, and taken out by whoever connects. So a reload finds its seat, and a
// duplicated tab, which copies the store of a visible page, does not take the seat from the tab it was copied from.

export interface SeatStore {
  take(): string | undefined;
  put(token: string): void;
}

/** The tab's session storage under `key`; where there is none, a store that forgets. */
export function seatStore(key: string): SeatStore {
  return {
    take: () =>
      attempt(() => {
        const token = sessionStorage.getItem(key) ?? undefined;
        sessionStorage.removeItem(key);
        return token;
      }),
    put: (token) => attempt(() => sessionStorage.setItem(key, token)),
  };
}

/** Storage may be missing (Node), forbidden (a sandboxed frame) or full. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
