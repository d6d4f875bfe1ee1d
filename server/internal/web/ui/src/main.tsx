import { render } from "preact";
import { App } from "./components/App";
import { Controller } from "./controller";
import { Identity } from "./identity";
import { agentInAddress } from "./router";
import { initialState } from "./state";
import { Store } from "./store";

const identity = new Identity();
const store = new Store(initialState(identity.entityId, agentInAddress(location.pathname), identity.signedIn));
const controller = new Controller(store, identity);

render(<App store={store} controller={controller} />, document.getElementById("app")!);
controller.start();
