// Package api is the contract of the server's interfaces: openapi.yaml for HTTP, with what the generators need to turn it
// into Go, and asyncapi.yaml for sockets.
package api

import _ "embed"

// OpenAPI is the contract of the HTTP interface as it was written, in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte

// AsyncAPI is the contract of the socket events as it was written, in YAML.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte
