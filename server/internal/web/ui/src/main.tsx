import { render } from "preact";
import { addressOf } from "./base";
import { App } from "./components/App";
import { accountOf, Controller } from "./controller";
import { Identity } from "./identity";
import { sender } from "./request";
import { agentInAddress } from "./router";
import { Session, thisBrowser } from "./session";
import { initialState } from "./state";
import { Store } from "./store";

const identity = new Identity();
const session = new Session(identity, thisBrowser(sender(addressOf)));
const store = new Store(initialState(identity.entityId, agentInAddress(location.pathname), accountOf(session)));
const controller = new Controller(store, session);

render(<App store={store} controller={controller} />, document.getElementById("app")!);
controller.start();
