// Package media keeps the files that people and agents exchange: uploads to agents and channels, and what agents make.
//
// Nothing that a sender says about a file is trusted. Its type is found in its content and must be on a short list, its
// name is made up and ends as its type wants, and it is served so that a browser can show it and do nothing else with it:
// no sniffing, a sandbox, and as a download unless it is an image, sound or film.
//
//	form.go, incoming.go   a multipart form is read as it comes: the file goes to disk, never to memory
//	kind.go                what may be uploaded, and how it is recognized
//	keep.go, quota.go      an incoming file gets its place, if its owner has room
//	file.go                how files are served
//	cleanup.go             files of deleted channels go with them
//
// Who may read a file is asked of its owner, unless the caller has a signed address: see package fileurl.
//
// Each owner has a folder named by its id. A file appears there whole and durable, or not at all.
package media
