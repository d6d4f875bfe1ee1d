import { useEffect, useState } from "preact/hooks";
import type { State } from "./state";
import type { Store } from "./store";

/** The state of the store; the component is rendered again after every change. */
export function useStore(store: Store): State {
  const [state, setState] = useState(store.state);
  useEffect(() => {
    const update = () => setState(store.state);
    update();
    return store.subscribe(update);
  }, [store]);
  return state;
}

/** Whether a media query matches. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => setMatches(list.matches);
    update();
    list.addEventListener("change", update);
    return () => list.removeEventListener("change", update);
  }, [query]);
  return matches;
}

/** The start of today, updated at midnight and when the page becomes visible again, so that "Today" stays correct. */
export function useToday(): number {
  const [today, setToday] = useState(() => new Date().setHours(0, 0, 0, 0));
  useEffect(() => {
    const update = () => setToday(new Date().setHours(0, 0, 0, 0));
    const timer = setTimeout(update, new Date(today).setHours(24, 0, 1, 0) - Date.now());
    document.addEventListener("visibilitychange", update);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", update);
    };
  }, [today]);
  return today;
}
