// Package web serves the pages that people open in a browser: the chat page and the API explorer, or another web UI from a
// folder.
//
// What is its own comes out of the binary, and neither page asks another host for anything; their content security policies
// make the browser hold them to it. The chat page is built from the ui folder into dist (see ui/README.md); the built files are
// committed, so that an installed binary always contains them. The sign-in that both pages share is built from there, too.
package web
