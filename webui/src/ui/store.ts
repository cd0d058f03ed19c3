// The hook that renders a view again when a store changes.

import { useEffect, useState } from "preact/hooks";
import { Store } from "video-uploads-client";

export { Store };

/** Return the store's value, and render again whenever it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.value);
  useEffect(() => {
    setValue(store.value);
    return store.subscribe(() => setValue(store.value));
  }, [store]);
  return value;
}
