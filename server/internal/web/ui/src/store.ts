import { type Action, reduce, type State } from "./state";

/** Holds the state, changes it through the reducer only, and notifies its listeners. */
export class Store {
  private listeners = new Set<() => void>();

  constructor(private current: State) {}

  get state(): State {
    return this.current;
  }

  dispatch(action: Action): void {
    this.current = reduce(this.current, action);
    for (const listener of this.listeners) listener();
  }

  /** Calls the listener after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
