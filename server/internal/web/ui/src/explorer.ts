// What the API explorer uses of the page: it shares the page's sign-in.

export { Identity } from "./identity";
export { sender } from "./request";
export { Session, thisBrowser } from "./session";
